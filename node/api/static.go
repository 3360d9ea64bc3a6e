package api

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/url"
	"path"
	"sync"

	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/doc"
)

// static serves embedded files under a path that ends in "/*". Their names hold a
// digest, so browsers may keep them for good.
func (s *Server) static(files fs.FS) handler {
	var tags sync.Map // name to digest; files are embedded and do not change
	return func(c *call) error {
		name, err := url.PathUnescape(c.Params("*"))
		if err != nil || !fs.ValidPath(name) {
			return doc.Errorf(doc.NotFound, "there is nothing at this address")
		}
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return &doc.Error{Code: doc.NotFound, Message: "there is nothing at this address", Err: err}
		}
		tag, ok := tags.Load(name)
		if !ok {
			tag, _ = tags.LoadOrStore(name, sum(raw))
		}
		same := c.unchanged(tag.(string))
		c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
		if same {
			return nil
		}
		c.Set(fiber.HeaderContentType, orDefault(mime.TypeByExtension(path.Ext(name)), fiber.MIMEOctetStream))
		return c.Send(raw)
	}
}

// sum is a short digest for ETags.
func sum(b []byte) string {
	d := sha256.Sum256(b)
	return hex.EncodeToString(d[:16])
}
