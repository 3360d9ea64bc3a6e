package blob_test

import (
	"testing"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/blob/blobtest"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	blobtest.Run(t, func(t *testing.T) blob.Store {
		s, err := blob.OpenFiles(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
