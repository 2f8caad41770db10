package http1

import (
	"io"
	"net"
	"runtime"
	"sync"
	"syscall"
)

// Pipe carries a body from one connection to another inside the kernel, a part
// at a time, where nobody is to look at it (splice(2)).
type Pipe struct {
	in, out int // file descriptors
	held    int // bytes
}

const (
	pipeSize    = 1 << 20 // what is asked of the kernel, which may give less
	leastPiped  = 2 * largeBuffer
	spliceFlags = 0x1 | 0x2 // SPLICE_F_MOVE, SPLICE_F_NONBLOCK
)

// pipes are empty, and close when nobody has taken them for a while.
var pipes sync.Pool

// takePipe gives an empty pipe, or nil where the system has none left.
func takePipe() *Pipe {
	if p, ok := pipes.Get().(*Pipe); ok {
		return p
	}
	var ends [2]int
	if syscall.Pipe2(ends[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK) != nil {
		return nil
	}
	_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, uintptr(ends[1]), syscall.F_SETPIPE_SZ, pipeSize)
	p := &Pipe{in: ends[1], out: ends[0]}
	runtime.SetFinalizer(p, (*Pipe).close)
	return p
}

// putBack keeps the pipe for another; what holds something is of no more use.
func (p *Pipe) putBack() {
	if p.held == 0 {
		pipes.Put(p)
		return
	}
	runtime.SetFinalizer(p, nil)
	p.close()
}

func (p *Pipe) close() {
	_ = syscall.Close(p.in)
	_ = syscall.Close(p.out)
}

// fill waits for bytes of a connection and takes up to most of them; it fails
// as a read does.
func (p *Pipe) fill(from *net.TCPConn, most int64) error {
	raw, err := from.SyscallConn()
	if err != nil {
		return err
	}
	var n int64
	var fault error
	err = raw.Read(func(fd uintptr) bool {
		n, fault = splice(int(fd), p.in, min(most, pipeSize))
		return fault != syscall.EAGAIN
	})
	switch {
	case err != nil:
		return err
	case fault != nil:
		return &net.OpError{Op: "splice", Net: "tcp", Err: fault}
	case n == 0:
		return io.EOF
	}
	p.held = int(n)
	return nil
}

// drain gives a connection all that the pipe holds, and says how much it took;
// it fails as a write does.
func (p *Pipe) drain(to *net.TCPConn) (int64, error) {
	raw, err := to.SyscallConn()
	if err != nil {
		return 0, err
	}
	var sum int64
	var fault error
	err = raw.Write(func(fd uintptr) bool {
		for p.held > 0 {
			var n int64
			if n, fault = splice(p.out, int(fd), int64(p.held)); fault != nil {
				return fault != syscall.EAGAIN
			}
			p.held -= int(n)
			sum += n
		}
		return true
	})
	if err == nil && fault != nil {
		err = &net.OpError{Op: "splice", Net: "tcp", Err: fault}
	}
	return sum, err
}

func splice(from, to int, most int64) (int64, error) {
	for {
		n, err := syscall.Splice(from, nil, to, nil, int(most), spliceFlags)
		if err != syscall.EINTR {
			return n, err
		}
	}
}
