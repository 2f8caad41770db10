package journal

import (
	"errors"
	"os"
	"syscall"
)

// allocate gives a file its size, with room for it on the disk.
func allocate(file *os.File, size int64) error {
	err := syscall.Fallocate(int(file.Fd()), 0, 0, size)
	if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
		return fillWithZeros(file, size)
	}
	return err
}
