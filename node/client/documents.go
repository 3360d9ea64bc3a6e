package client

import (
	"context"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"github.com/recto-edge/recto/node/doc"
)

const (
	prefix    = "/api/v1"
	documents = prefix + "/documents"
)

// SubmitOptions says what the node is told about a file.
type SubmitOptions struct {
	Type     string        // document type; empty: recognised
	Priority doc.Priority  // empty: normal
	Split    doc.Splitting // doc.SplitNever: the file stays in one piece
	// Progress is called as bytes leave, with the size of the file (-1: not
	// known). May be nil.
	Progress func(sent, size int64)
}

// Submit delivers one file: size bytes of r, or all of it when size is -1. It
// answers when the node has made the file durable. A file that can be read again
// (an io.ReaderAt that is an io.Seeker, such as an *os.File) is sent to another
// member when one fails: the same bytes are the same document, so that it is
// there once, however often it was sent.
func (c *Client) Submit(ctx context.Context, name string, r io.Reader, size int64, o SubmitOptions) (doc.Receipt, error) {
	q := url.Values{}
	if o.Type != "" {
		q.Set("type", o.Type)
	}
	if o.Priority != "" {
		q.Set("priority", string(o.Priority))
	}
	if o.Split != "" {
		q.Set("split", string(o.Split))
	}
	req := request{
		method: http.MethodPut, path: documents + "/" + segment(label(name)), query: q, size: size, media: "application/octet-stream", again: true,
	}
	req.body, req.once = beginnings(r, size)
	if o.Progress != nil {
		req.tell = func(sent int64) { o.Progress(sent, size) }
	}
	var out doc.Receipt
	err := c.call(ctx, req, &out)
	return out, err
}

// beginnings gives what reads r from where it stands, once or as often as wanted.
func beginnings(r io.Reader, size int64) (body func() io.Reader, once bool) {
	at, ok := r.(io.ReaderAt)
	seeker, ok2 := r.(io.Seeker)
	if ok && ok2 {
		if from, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			if size < 0 {
				size = math.MaxInt64 - from
			}
			return func() io.Reader { return io.NewSectionReader(at, from, size) }, false
		}
	}
	return func() io.Reader { return r }, true
}

// label keeps names that mean something in a path from doing so.
func label(name string) string {
	if name == "" || name == "." || name == ".." {
		return "document"
	}
	return name
}

// Get gives the latest revision of a document.
func (c *Client) Get(ctx context.Context, id doc.ID) (doc.Record, error) {
	var out doc.Record
	err := c.get(ctx, documents+"/"+segment(string(id)), nil, &out)
	return out, err
}

// List gives one page of the documents that match q, newest first.
func (c *Client) List(ctx context.Context, q doc.Query) (doc.List, error) {
	v := url.Values{}
	for name, value := range map[string]string{
		"q": q.Text, "state": string(q.State), "type": q.Type, "channel": q.Channel, "cursor": q.Cursor,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.Reviewed {
		v.Set("reviewed", "true")
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	var out doc.List
	err := c.get(ctx, documents, v, &out)
	return out, err
}

// Revisions gives all revisions of a document, oldest first.
func (c *Client) Revisions(ctx context.Context, id doc.ID) ([]doc.Record, error) {
	var out []doc.Record
	err := c.get(ctx, documents+"/"+segment(string(id))+"/revisions", nil, &out)
	return out, err
}

// Original opens the bytes as they were delivered; the caller closes them.
func (c *Client) Original(ctx context.Context, id doc.ID) (io.ReadCloser, int64, error) {
	res, err := c.open(ctx, request{method: http.MethodGet, path: documents + "/" + segment(string(id)) + "/original"})
	if err != nil {
		return nil, 0, err
	}
	return res.Body, res.ContentLength, nil
}

// PageImage gives page n as JPEG, width pixels wide (0: as it was read).
func (c *Client) PageImage(ctx context.Context, id doc.ID, n, width int) ([]byte, error) {
	q := url.Values{}
	if width > 0 {
		q.Set("width", strconv.Itoa(width))
	}
	res, err := c.open(ctx, request{method: http.MethodGet, path: documents + "/" + segment(string(id)) + "/pages/" + strconv.Itoa(n) + ".jpg", query: q})
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

// Words gives the words of page n.
func (c *Client) Words(ctx context.Context, id doc.ID, n int) (doc.Page, error) {
	var out doc.Page
	err := c.get(ctx, documents+"/"+segment(string(id))+"/pages/"+strconv.Itoa(n)+"/words", nil, &out)
	return out, err
}

// Retry has a settled document read again, as another type or with a password
// when those are not empty.
func (c *Client) Retry(ctx context.Context, id doc.ID, typeName, password string) (doc.Record, error) {
	in := struct {
		Type     string `json:"type,omitempty"`
		Password string `json:"password,omitempty"`
	}{typeName, password}
	var out doc.Record
	err := c.send(ctx, http.MethodPost, documents+"/"+segment(string(id))+"/retry", in, &out)
	return out, err
}
