package main

import (
	"context"
	"io"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/catalog"
)

// TestABrokenLinkIsToldFromJobToLetter: the platform checks links by itself,
// a reader sees what it found, and the agency's publisher gets a letter.
func TestABrokenLinkIsToldFromJobToLetter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	w.until("the link is found broken", func() bool {
		d, err := w.catalog.DatasetBySlug(context.Background(), auth.Principal{}, "opened-data")
		w.must(err)
		return d.Distributions[1].LinkState == catalog.LinkBroken && d.Distributions[1].LinkReason == "private"
	})
	w.until("the publisher is told", func() bool {
		names, err := filepath.Glob(filepath.Join(w.config.DataDir, "mail", "*.eml"))
		w.must(err)
		for _, name := range names {
			file, err := os.Open(name)
			w.must(err)
			text, _ := io.ReadAll(quotedprintable.NewReader(file)) // the head is no part of it
			w.must(file.Close())
			if strings.Contains(string(text), "<publisher@") && strings.Contains(string(text), "http://127.0.0.1:9/so-lieu.csv") &&
				strings.Contains(string(text), "/dataset/opened-data") {
				if strings.Contains(string(text), "drafted-data") {
					t.Error("the letter names a dataset that is not published")
				}
				return true
			}
		}
		return false
	})
}
