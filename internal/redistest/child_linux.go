package redistest

import (
	"os/exec"
	"runtime"
	"syscall"
)

// startChild starts cmd so that it ends when the test process does, whose
// thread is kept for it (prctl(2), PR_SET_PDEATHSIG), and closes ended when it has.
func startChild(cmd *exec.Cmd, ended chan struct{}) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended stands in its log
		}
	}()
	return <-started
}
