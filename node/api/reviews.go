package api

import (
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

func (s *Server) reviewRoutes() []route {
	const base = prefix + "/documents/:id"
	return []route{
		{
			method: "POST", path: base + "/review", perm: auth.Review, action: "document.review", handler: s.review,
			summary: "say what is right on a document that has been read: correct fields, approve the rest", body: doc.Correction{}, answer: doc.Record{},
			params: []param{{
				name: fiber.HeaderIfMatch, in: openapi3.ParameterInHeader, schema: openapi3.NewStringSchema().WithMaxLength(32),
				about: "revision the reviewer looked at, as an alternative to revision in the body; 409 when there is a newer one",
			}},
		},
		{
			method: "POST", path: base + "/compare", perm: auth.Review, action: "document.compare", handler: s.compare,
			summary: "read a document with several models; nothing of it is kept", body: CompareRequest{}, answer: doc.Comparison{},
		},
		{
			method: "DELETE", path: base, perm: auth.Erase, action: "document.erase", handler: s.erase,
			summary: "remove a document for good, and forget what was learned from it; a tombstone without content stays", answer: doc.Record{},
		},
	}
}

func (s *Server) review(c *call) error {
	in := c.input.(*doc.Correction)
	if tag := strings.Trim(strings.TrimPrefix(c.Get(fiber.HeaderIfMatch), "W/"), `" `); tag != "" {
		n, err := strconv.ParseUint(tag, 10, 64)
		if err != nil || in.Revision != 0 && in.Revision != n {
			return doc.Errorf(doc.Invalid, "If-Match: use the number of the revision you looked at, the same as in the body if it stands there too")
		}
		in.Revision = n
	}
	rec, err := s.ports.Reviews.Review(c.ctx, c.document(), *in, c.who.String())
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderETag, strconv.Quote(strconv.FormatUint(rec.Revision, 10)))
	return c.JSON(rec)
}

// CompareRequest is the body of POST /documents/{id}/compare.
type CompareRequest struct {
	Models []string `json:"models"` // digests, "live", "shipped" or "rules"
}

func (s *Server) compare(c *call) error {
	out, err := s.ports.Reviews.Compare(c.ctx, c.document(), c.input.(*CompareRequest).Models)
	if err != nil {
		return err
	}
	return c.JSON(out)
}

func (s *Server) erase(c *call) error {
	rec, err := s.ports.Reviews.Erase(c.ctx, c.document(), c.who.String())
	if err != nil {
		return err
	}
	return c.JSON(rec)
}
