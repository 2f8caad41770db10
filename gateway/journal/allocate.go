package journal

import "os"

// fillWithZeros writes a file's bytes where the system cannot promise them.
func fillWithZeros(file *os.File, size int64) error {
	for zeros := make([]byte, min(size, 1<<20)); size > 0; {
		n, err := file.Write(zeros[:min(size, int64(len(zeros)))])
		if err != nil {
			return err
		}
		size -= int64(n)
	}
	return nil
}
