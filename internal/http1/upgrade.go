package http1

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Upgrade joins the client of w and an upstream that agreed to change the
// protocol (101): it sends the head to the client and then copies both ways
// until one of them ends, or nothing came either way for idle. It gives how
// many bytes came from the client and from the upstream, and fails when w's
// connection cannot be had.
func Upgrade(w http.ResponseWriter, res *Response, fields Fields, idle time.Duration) (in, out int64, err error) {
	if res.link == nil || res.Status != http.StatusSwitchingProtocols {
		return 0, 0, errors.New("the upstream did not change the protocol")
	}
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return 0, 0, err
	}
	t := &tunnel{client: client, upstream: res.link.net}
	defer t.close()
	head := appendStatus(nil, http.StatusSwitchingProtocols)
	for _, line := range fields {
		head = appendField(head, line.Name, line.Value)
	}
	if _, err := client.Write(append(head, "\r\n"...)); err != nil {
		return 0, 0, nil // the client has gone
	}
	var group sync.WaitGroup
	group.Go(func() { t.copy(&t.in, t.upstream, buffered.Reader) })
	group.Go(func() { t.copy(&t.out, client, &res.link.body) })
	ended := make(chan struct{})
	go t.watch(idle, ended)
	group.Wait()
	close(ended)
	return t.in.Load(), t.out.Load(), nil
}

// tunnel is two connections, each of which is read for the other.
type tunnel struct {
	client, upstream net.Conn
	in, out          atomic.Int64
	once             sync.Once
}

func (t *tunnel) close() {
	t.once.Do(func() {
		_ = t.client.Close() // closed by the other end, perhaps
		_ = t.upstream.Close()
	})
}

// copy ends both when one of them ends: half of a conversation is none.
func (t *tunnel) copy(count *atomic.Int64, to io.Writer, from io.Reader) {
	defer t.close()
	for buf := make([]byte, smallBuffer); ; {
		n, err := from.Read(buf)
		count.Add(int64(n))
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// watch ends both when nothing has come either way for idle.
func (t *tunnel) watch(idle time.Duration, ended chan struct{}) {
	for last := int64(-1); ; {
		select {
		case <-ended:
			return
		case <-time.After(idle):
		}
		if now := t.in.Load() + t.out.Load(); now != last {
			last = now
			continue
		}
		t.close()
		return
	}
}
