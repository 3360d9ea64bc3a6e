package api

import (
	"fmt"
	"io"
	"mime"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

// The bounds of a list and of a page image.
const (
	maxList  = 500
	minWidth = 16
	maxWidth = 8000
)

func (s *Server) documentRoutes() []route {
	const base = prefix + "/documents"
	deliver := []param{
		query("type", "document type; left out: recognised", pathParams["type"].schema),
		query("priority", "who is read first", prioritySchema()),
		query("split", "never: keep a file of several documents in one piece", splitSchema()),
		query("wait", "answer with the records once they are settled, after this long at the latest: 30s, 2m", openapi3.NewStringSchema().WithMaxLength(16)),
	}
	name := param{name: "id", in: openapi3.ParameterInPath, about: "here: name of the file", schema: openapi3.NewStringSchema().WithMaxLength(1024)}
	return []route{
		{
			method: "POST", path: base, perm: auth.Submit, action: "document.submit", handler: s.upload, long: true, status: fiber.StatusAccepted,
			summary: "deliver files as multipart/form-data; fields type, priority and split go before the files", params: deliver,
			upload: multipartForm, answer: []doc.Receipt{},
		},
		{
			method: "PUT", path: base + "/:id", perm: auth.Submit, action: "document.submit", handler: s.put, long: true, status: fiber.StatusAccepted,
			summary: "deliver one file as the body", params: append(deliver[:len(deliver):len(deliver)], name),
			upload: fiber.MIMEOctetStream, answer: doc.Receipt{},
		},
		{
			method: "GET", path: base, perm: auth.Read, handler: s.list, summary: "list documents, newest first", answer: doc.List{},
			params: []param{
				query("q", "words that must occur in name, id or a field's value", openapi3.NewStringSchema().WithMaxLength(200)),
				query("state", "only documents in this state", openapi3.NewStringSchema().WithEnum(enum(doc.States)...)),
				query("type", "only documents of this type", pathParams["type"].schema),
				query("channel", "only documents that came this way", openapi3.NewStringSchema().WithMaxLength(64)),
				query("reviewed", "only documents that a person has looked at", openapi3.NewBoolSchema()),
				query("cursor", "next of the page before", openapi3.NewStringSchema().WithMaxLength(512)),
				query("limit", "at most this many; 50 when left out", openapi3.NewIntegerSchema().WithMin(1).WithMax(maxList)),
			},
		},
		{method: "GET", path: base + "/:id", perm: auth.Read, handler: s.get, summary: "the latest revision of a document with its result", answer: doc.Record{}},
		{method: "GET", path: base + "/:id/revisions", perm: auth.Read, handler: s.revisions, summary: "all revisions, oldest first", answer: []doc.Record{}},
		{method: "GET", path: base + "/:id/original", perm: auth.Read, handler: s.original, long: true, summary: "the bytes as they were delivered", media: fiber.MIMEOctetStream},
		{
			method: "GET", path: base + "/:id/pages/:n.jpg", perm: auth.Read, handler: s.image, summary: "the upright picture of a page", media: "image/jpeg",
			params: []param{query("width", "pixels; left out: as it was read", openapi3.NewIntegerSchema().WithMin(minWidth).WithMax(maxWidth))},
		},
		{method: "GET", path: base + "/:id/pages/:n/words", perm: auth.Read, handler: s.words, summary: "the words of a page with boxes and confidences", answer: doc.Page{}},
		{
			method: "POST", path: base + "/:id/retry", perm: auth.Retry, action: "document.retry", handler: s.retry, status: fiber.StatusAccepted,
			summary: "have a settled document read again", body: RetryRequest{}, noBody: true, answer: doc.Record{},
		},
	}
}

func (s *Server) list(c *call) error {
	q := doc.Query{
		Text: c.Query("q"), State: doc.State(c.Query("state")), Type: c.Query("type"),
		Channel: c.Query("channel"), Reviewed: c.QueryBool("reviewed"), Cursor: c.Query("cursor"), Limit: c.QueryInt("limit"),
	}
	list, err := s.ports.Documents.List(c.ctx, q)
	if err != nil {
		return err
	}
	if list.Documents == nil {
		list.Documents = []doc.Summary{}
	}
	return c.JSON(list)
}

func (s *Server) get(c *call) error {
	rec, err := s.ports.Documents.Get(c.ctx, c.document())
	if err != nil {
		return err
	}
	return c.JSON(rec)
}

func (s *Server) revisions(c *call) error {
	recs, err := s.ports.Documents.Revisions(c.ctx, c.document())
	if err != nil {
		return err
	}
	return c.JSON(recs)
}

// RetryRequest is the body of POST /documents/{id}/retry; all of it may be left out.
type RetryRequest struct {
	Type     string `json:"type,omitempty"`
	Password string `json:"password,omitempty"` // of an encrypted file
	Model    string `json:"model,omitempty"`    // digest of a model of fields, "shipped" or "rules"
}

func (s *Server) retry(c *call) error {
	in := c.input.(*RetryRequest)
	rec, err := s.ports.Documents.Retry(c.ctx, c.document(), RetryOptions{Type: in.Type, Password: in.Password, Model: in.Model, By: c.who.String()})
	if err != nil {
		return err
	}
	return c.JSON(rec)
}

// original streams the bytes. They come from outside, so a browser is told to
// save them and never to run them as part of this site.
func (s *Server) original(c *call) error {
	o, err := s.ports.Content.Original(c.ctx, c.document())
	if err != nil {
		return err
	}
	if c.unchanged(o.SHA256) {
		return o.Body.Close()
	}
	c.Set(fiber.HeaderContentType, orDefault(o.ContentType, fiber.MIMEOctetStream))
	c.Set(fiber.HeaderContentDisposition, attachment(o.Name))
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; sandbox")
	c.Context().SetBodyStream(&exact{ReadCloser: o.Body, left: o.Size}, int(o.Size)) // closed by fasthttp
	return nil
}

// exact ends a stream that is shorter than it said with an error, so that the
// connection breaks instead of passing off half a file as a whole one.
type exact struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (e *exact) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	e.left -= int64(n)
	if err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func attachment(name string) string {
	v := mime.FormatMediaType("attachment", map[string]string{"filename": name})
	if v == "" {
		return "attachment"
	}
	return v
}

func (s *Server) image(c *call) error {
	n, err := c.page()
	if err != nil {
		return err
	}
	jpeg, err := s.ports.Content.PageImage(c.ctx, c.document(), n, c.QueryInt("width"))
	if err != nil {
		return err
	}
	if c.unchanged(sum(jpeg)) {
		return nil
	}
	c.Set(fiber.HeaderContentType, "image/jpeg")
	return c.Send(jpeg)
}

func (s *Server) words(c *call) error {
	n, err := c.page()
	if err != nil {
		return err
	}
	page, err := s.ports.Content.Page(c.ctx, c.document(), n)
	if err != nil {
		return err
	}
	if page.Words == nil {
		page.Words = []doc.Word{}
	}
	return c.JSON(page)
}

// page gives the path parameter n, which validate has found to be a number.
func (c *call) page() (int, error) {
	n, err := strconv.Atoi(c.Params("n"))
	if err != nil {
		return 0, doc.Errorf(doc.Invalid, "page %q is no number", c.Params("n"))
	}
	return n, nil
}

// unchanged sets the ETag and answers 304 when the client has it already. What
// it guards may be kept by the browser of the one who asked, and asked for again.
func (c *call) unchanged(digest string) bool {
	tag := fmt.Sprintf("%q", digest)
	c.Set(fiber.HeaderETag, tag)
	c.Set(fiber.HeaderCacheControl, "private, no-cache")
	for _, have := range strings.Split(c.Get(fiber.HeaderIfNoneMatch), ",") {
		if strings.TrimPrefix(strings.TrimSpace(have), "W/") == tag {
			c.Status(fiber.StatusNotModified)
			return true
		}
	}
	return false
}
