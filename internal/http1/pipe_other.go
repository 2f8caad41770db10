//go:build !linux

package http1

import (
	"errors"
	"net"
)

// Pipe is of Linux; elsewhere there is none, and bytes pass through the program.
type Pipe struct{ held int }

const leastPiped = 1 << 62

func takePipe() *Pipe                             { return nil }
func (p *Pipe) putBack()                          {}
func (p *Pipe) fill(*net.TCPConn, int64) error    { return errors.ErrUnsupported }
func (p *Pipe) drain(*net.TCPConn) (int64, error) { return 0, errors.ErrUnsupported }
