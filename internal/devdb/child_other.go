//go:build !linux

package devdb

import "os/exec"

const locale = "C"

// startChild starts cmd and closes done when it has ended.
func startChild(cmd *exec.Cmd, done chan struct{}) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		defer close(done)
		_ = cmd.Wait() // how it ended stands in its log
	}()
	return nil
}
