package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

const (
	multipartForm = "multipart/form-data"
	channelHTTP   = "http"
	maxField      = 256 // bytes of a form field that is no file
	maxName       = 255 // bytes of a file's name
)

var traceForm = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// delivery is what the request says about all its files.
func (c *call) delivery() doc.Delivery {
	d := doc.Delivery{
		Channel: channelHTTP, Sender: c.who.String(),
		Type: c.Query("type"), Priority: doc.Priority(c.Query("priority", string(doc.Normal))), Split: doc.Splitting(c.Query("split")),
	}
	if tp := c.Get("traceparent"); traceForm.MatchString(tp) {
		d.Traceparent = tp
	}
	return d
}

// put takes one file as the body.
func (s *Server) put(c *call) error {
	wait, err := c.wait()
	if err != nil {
		return err
	}
	if media, _, _ := mime.ParseMediaType(c.Get(fiber.HeaderContentType)); media == multipartForm {
		return doc.Errorf(doc.Invalid, "PUT takes the bytes of one file as the body; to send a form use POST")
	}
	name, err := c.param("id")
	if err != nil {
		return err
	}
	if c.in.size > s.cfg.MaxBytes {
		return tooLarge(s.cfg.MaxBytes)
	}
	d := c.delivery()
	d.Name = cleanName(name)
	r, err := s.submit(c, c.in, d)
	if err != nil {
		return err
	}
	if settled, ok := s.await(c, []doc.Receipt{r}, wait); ok {
		return c.Status(fiber.StatusOK).JSON(settled[0])
	}
	c.Set(fiber.HeaderLocation, prefix+"/documents/"+string(r.ID))
	return c.JSON(r)
}

// upload answers for the files of a form.
func (s *Server) upload(c *call) error {
	wait, err := c.wait()
	if err != nil {
		return err
	}
	receipts, err := s.receive(c)
	if err != nil {
		return err
	}
	if settled, ok := s.await(c, receipts, wait); ok {
		return c.Status(fiber.StatusOK).JSON(settled)
	}
	return c.JSON(receipts)
}

// receive takes the files of a form as they arrive. It gives their receipts when
// all of them are durable, or none.
func (s *Server) receive(c *call) ([]doc.Receipt, error) {
	media, params, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil || media != multipartForm || params["boundary"] == "" {
		return nil, doc.Errorf(doc.Invalid, "send files as %s, or one file as the body of PUT %s/documents/{name}", multipartForm, prefix)
	}
	form := &form{reader: multipart.NewReader(c.in, params["boundary"]), delivery: c.delivery(), s: s}
	for {
		part, err := form.reader.NextRawPart()
		if errors.Is(err, io.EOF) && c.in.err != errTruncated {
			break
		}
		if err != nil {
			return nil, c.broken(err)
		}
		if err := form.take(c, part); err != nil {
			return nil, err
		}
	}
	if len(form.receipts) == 0 {
		return nil, doc.Errorf(doc.Invalid, "the form holds no file")
	}
	return form.receipts, nil
}

// broken says why a form cannot be read on: because its sender stopped, or
// because it is no form.
func (c *call) broken(err error) error {
	var coded *doc.Error
	switch {
	case errors.As(err, &coded):
		return err
	case c.in.err != nil && c.in.err != io.EOF:
		return c.in.err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errTruncated
	}
	return &doc.Error{Code: doc.Invalid, Message: "the form is damaged", Err: err}
}

// form is an upload in progress.
type form struct {
	s        *Server
	reader   *multipart.Reader
	delivery doc.Delivery
	receipts []doc.Receipt
}

func (f *form) take(c *call, part *multipart.Part) error {
	if part.FileName() == "" {
		return f.field(c, part)
	}
	if len(f.receipts) == f.s.cfg.MaxFiles {
		return doc.Errorf(doc.TooLarge, "more than %d files in one upload", f.s.cfg.MaxFiles)
	}
	d := f.delivery
	d.Name = cleanName(part.FileName())
	r, err := f.s.submit(c, part, d)
	if err != nil {
		return err
	}
	f.receipts = append(f.receipts, r)
	return nil
}

// field takes a form field that says something about the files after it.
func (f *form) field(c *call, part *multipart.Part) error {
	raw, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err != nil {
		return c.broken(err)
	}
	value := string(raw)
	switch name := part.FormName(); {
	case len(raw) > maxField:
		return doc.Errorf(doc.Invalid, "form field %q is too long", name)
	case len(f.receipts) > 0:
		return doc.Errorf(doc.Invalid, "form field %q must stand before the files", name)
	case value == "":
	case name == "type" && regexp.MustCompile(pathParams["type"].schema.Pattern).MatchString(value):
		f.delivery.Type = value
	case name == "priority" && slices.Contains(doc.Priorities, doc.Priority(value)):
		f.delivery.Priority = doc.Priority(value)
	case name == "split" && doc.Splitting(value) == doc.SplitNever:
		f.delivery.Split = doc.SplitNever
	case name == "type", name == "priority", name == "split":
		return doc.Errorf(doc.Invalid, "form field %s: %q is not possible", name, value)
	default:
		return doc.Errorf(doc.Invalid, "unknown form field %q: use type, priority, split, and files", name)
	}
	return nil
}

// submit hands one file to intake. A file counts as delivered only when its
// sender's last byte was seen, whatever intake says.
func (s *Server) submit(c *call, r io.Reader, d doc.Delivery) (doc.Receipt, error) {
	f := &file{src: r, max: s.cfg.MaxBytes}
	receipt, err := s.ports.Documents.Submit(c.ctx, f, d)
	switch {
	case f.err != nil && f.err != io.EOF:
		return doc.Receipt{}, c.broken(f.err)
	case err != nil:
		return doc.Receipt{}, err
	case f.err == nil:
		return doc.Receipt{}, fmt.Errorf("intake acknowledged a file it has not read to its end (%d bytes)", f.read)
	}
	return receipt, nil
}

// file bounds one file of an upload and remembers how it ended.
type file struct {
	src       io.Reader
	read, max int64
	err       error
}

// Read implements io.Reader.
func (f *file) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.src.Read(p)
	f.read += int64(n)
	if f.read > f.max {
		err = tooLarge(f.max)
	}
	f.err = err
	return n, err
}

func tooLarge(limit int64) error {
	return doc.Errorf(doc.TooLarge, "the file is larger than %d bytes, the limit of this node", limit)
}

// cleanName makes a label of what a sender calls a file: no folders, no control
// characters, not too long. It is never used as a path.
func cleanName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, name)
	for len(name) > maxName {
		_, size := utf8.DecodeRuneInString(name)
		name = name[size:] // the end holds the extension
	}
	name = strings.TrimSpace(name)
	if name == "" || name == "." || name == ".." || name == "/" {
		return "document"
	}
	return name
}

// wait reads ?wait: a duration, or seconds. Waiting shows the result, so it
// needs the permission to read.
func (c *call) wait() (time.Duration, error) {
	v := c.Query("wait")
	if v == "" {
		return 0, nil
	}
	if !c.who.May(auth.Read) {
		return 0, doc.Errorf(doc.Forbidden, "the role %s may deliver but not see results: leave wait out", c.who.Role)
	}
	d, err := time.ParseDuration(v)
	if n, nerr := strconv.Atoi(v); nerr == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < 0 || d > c.s.cfg.MaxWait {
		return 0, doc.Errorf(doc.Invalid, "wait: use a time up to %s, such as 30s", c.s.cfg.MaxWait)
	}
	return d, nil
}

// await waits for all documents to settle and says whether they did. Everything
// is durable by then, so trouble while waiting only means that the receipts are
// the answer.
func (s *Server) await(c *call, receipts []doc.Receipt, d time.Duration) ([]doc.Record, bool) {
	if d <= 0 {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(s.open, d)
	defer cancel()
	out := make([]doc.Record, 0, len(receipts))
	for _, r := range receipts {
		rec, err := s.ports.Events.Wait(ctx, r.ID)
		if err != nil || !rec.State.Settled() {
			return nil, false
		}
		out = append(out, rec)
	}
	return out, true
}
