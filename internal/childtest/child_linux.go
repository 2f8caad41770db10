// Package childtest answers how a test runs a server as its child: it ends when
// the test's process does, however that ends.
package childtest

import (
	"os/exec"
	"runtime"
	"syscall"
)

// Start starts cmd so that it ends when the test process does, whose
// thread is kept for it (prctl(2), PR_SET_PDEATHSIG), and closes ended when it has.
func Start(cmd *exec.Cmd, ended chan struct{}) error {
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
