package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"lgsp/catalog/files"
	"lgsp/internal/problem"
)

func (c config) disk() files.Disk { return files.Disk{Dir: filepath.Join(c.DataDir, "files")} }

// wireFiles has the files of datasets lie in the bucket that is set, or else on
// the disk.
func (p *platform) wireFiles() error {
	p.files = p.config.disk()
	if p.config.S3URL == "" {
		return nil
	}
	bucket, err := files.NewS3(p.config.S3URL, p.config.S3Secret, p.config.disk())
	if err != nil {
		return fmt.Errorf("LGSP_S3_URL: %w", err)
	}
	p.files = bucket
	p.metrics.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "lgsp_files_up", Help: "1 while the S3 server of LGSP_S3_URL answered last, else 0.",
		}, func() float64 {
			if bucket.State().Up {
				return 1
			}
			return 0
		}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "lgsp_files_failures_total", Help: "Requests to the S3 server of LGSP_S3_URL that it did not answer, or refused.",
		}, func() float64 { return float64(bucket.State().Failed) }),
	)
	return nil
}

// checkBucket refuses a bucket that does not let us in. A server that is away
// is not waited for: until it is back, what needs a file says so.
func (p *platform) checkBucket(ctx context.Context) error {
	bucket, ok := p.files.(*files.S3)
	if !ok {
		return nil
	}
	err := bucket.Check(ctx)
	if problem.Is(err, problem.Unavailable) {
		slog.WarnContext(ctx, "the store of files did not answer; files cannot be read until it does", "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("LGSP_S3_URL: %w", err)
	}
	return nil
}

// runFiles is `lgsp files`: it moves the kept files between the disk and the
// bucket, beside a running lgsp serve or without.
func runFiles(ctx context.Context, p program) error {
	if len(p.Args) != 1 || p.Args[0] != "to-s3" && p.Args[0] != "to-disk" {
		return errors.New("usage: lgsp files to-s3 | lgsp files to-disk")
	}
	c, err := readConfig(p.Environ, false)
	if err != nil {
		return err
	}
	if c.S3URL == "" {
		return errors.New("LGSP_S3_URL: set the bucket that the files go to or come from")
	}
	bucket, err := files.NewS3(c.S3URL, c.S3Secret, c.disk())
	if err != nil {
		return fmt.Errorf("LGSP_S3_URL: %w", err)
	}
	if err := bucket.Check(ctx); err != nil {
		return fmt.Errorf("LGSP_S3_URL: %w", err)
	}
	move := bucket.ToBucket
	if p.Args[0] == "to-disk" {
		move = bucket.ToDisk
	}
	m, err := move(ctx)
	return errors.Join(err, tellMoved(p.Stdout, m))
}

func tellMoved(w io.Writer, m files.Moved) error {
	fmt.Fprintf(w, "%d files moved, %d bytes; %d were there already\n", m.Files, m.Bytes, m.There)
	if len(m.Wrong) > 0 {
		return fmt.Errorf("not moved, since their content is not what their name says: %s", strings.Join(m.Wrong, ", "))
	}
	return nil
}
