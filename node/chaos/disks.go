//go:build linux

package chaos

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/recto-edge/recto/node/chaos/history"
	"github.com/recto-edge/recto/node/doc"
)

// disks looks at the files of every member, where they lie.
func disks(c *Cluster, h history.History) []history.Disk {
	var out []history.Disk
	sent := h.Documents()
	for _, m := range c.Members() {
		root := filepath.Join(m.Dir, "blobs")
		d := history.Disk{
			Member: m.Name, Originals: map[string]bool{}, Arrivals: arrivalsIn(filepath.Join(root, "intake"), sent),
			Records: map[doc.ID]map[uint64][]string{},
		}
		for id, s := range sent {
			if f, err := os.Open(filepath.Join(root, "originals", s.SHA256[:2], s.SHA256)); err == nil {
				got, err := digest(f)
				_ = f.Close() // it was only read
				d.Originals[s.SHA256] = err == nil && got == s.SHA256
			}
			d.Records[id] = recordsIn(filepath.Join(root, "records", string(id)))
		}
		out = append(out, d)
	}
	return out
}

// recordsIn gives the digests under each revision, from names <revision>-<digest>.json
// whose content has that digest.
func recordsIn(dir string) map[uint64][]string {
	out := map[uint64][]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return out
	}
	for _, e := range entries {
		number, rest, ok := strings.Cut(strings.TrimSuffix(e.Name(), ".json"), "-")
		if n, err := strconv.ParseUint(number, 10, 64); ok && err == nil && intact(filepath.Join(dir, e.Name()), rest) {
			out[n] = append(out[n], rest)
		}
	}
	return out
}

func intact(path, name string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	got, err := digest(f)
	return err == nil && strings.HasPrefix(got, name)
}

// arrivalsIn counts the intake records of each document that was sent.
func arrivalsIn(dir string, sent map[doc.ID]history.Sent) map[doc.ID]int {
	out := map[doc.ID]int{}
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error { // what cannot be read is not there
		if err != nil || e.IsDir() {
			return nil
		}
		name, _, _ := strings.Cut(e.Name(), "-")
		s, ok := sent[doc.ID(name)]
		if !ok {
			return nil
		}
		if b, err := os.ReadFile(path); err == nil && arrivalOf(b, s) == nil {
			out[s.ID]++
		}
		return nil
	})
	return out
}

func arrivalOf(b []byte, s history.Sent) error {
	var a doc.Arrival
	if err := json.Unmarshal(b, &a); err != nil {
		return err
	}
	if a.ID != s.ID || a.SHA256 != s.SHA256 {
		return fmt.Errorf("intake record of %s names %s", s.ID, a.ID)
	}
	return nil
}
