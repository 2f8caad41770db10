package devdb

import (
	"os/exec"
	"runtime"
	"syscall"
)

const locale = "C.UTF-8"

// startChild starts cmd so that it is told to stop when we are killed, and
// closes done when it has ended. The signal comes at the death of the thread
// that started the child (prctl(2), PR_SET_PDEATHSIG), so that thread is kept.
func startChild(cmd *exec.Cmd, done chan struct{}) error {
	cmd.SysProcAttr.Pdeathsig = syscall.SIGINT
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer close(done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended stands in its log
		}
	}()
	return <-started
}
