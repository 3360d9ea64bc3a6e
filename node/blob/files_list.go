package blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// List implements Store. It holds the names of one folder a level in memory.
func (s *Files) List(ctx context.Context, prefix, after string, fn func(Info) error) error {
	if err := checkPrefix(prefix); err != nil {
		return err
	}
	err := s.list(ctx, "", prefix, after, fn)
	if errors.Is(err, Stop) {
		return nil
	}
	return err
}

// list walks the folder with key prefix dir ("" or ending in a slash). Sorting
// folders by name and slash makes the order of the walk that of whole keys.
func (s *Files) list(ctx context.Context, dir, prefix, after string, fn func(Info) error) error {
	entries, err := os.ReadDir(s.path(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list objects: %w", err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(sortName(a), sortName(b)) })
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		key := dir + sortName(e)
		switch {
		case e.IsDir():
			related := strings.HasPrefix(key, prefix) || strings.HasPrefix(prefix, key)
			if related && (key > after || strings.HasPrefix(after, key)) {
				err = s.list(ctx, key, prefix, after, fn)
			}
		case e.Type().IsRegular() && strings.HasPrefix(key, prefix) && key > after:
			err = s.visit(key, e, fn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Files) visit(key string, e fs.DirEntry, fn func(Info) error) error {
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return fmt.Errorf("list %s: %w", filepath.Base(key), err)
	}
	return fn(Info{Key: key, Size: info.Size(), Modified: info.ModTime()})
}

func sortName(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}
