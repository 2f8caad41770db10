//go:build !linux

package childtest

import "os/exec"

// Start starts cmd and closes ended when it has.
func Start(cmd *exec.Cmd, ended chan struct{}) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		defer close(ended)
		_ = cmd.Wait() // how it ended stands in its log
	}()
	return nil
}
