package decode

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// maxMultipart is how deep multipart bodies may be nested within one message.
const maxMultipart = 20

// mail collects the files attached to a message. What a person wrote in it, and
// pictures that only decorate it, are no documents.
func (u *unpacker) mail(r io.Reader, folder string, depth int) error {
	m, err := mail.ReadMessage(within{u.ctx, r})
	if err != nil {
		return doc.Unreadable(doc.DetailDamaged, "the e-mail is damaged and cannot be read", err)
	}
	return u.entity(textproto.MIMEHeader(m.Header), m.Body, folder, depth, 0)
}

// entity looks into one part of a message: a leaf, or several parts.
func (u *unpacker) entity(h textproto.MIMEHeader, body io.Reader, folder string, depth, level int) error {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind = "text/plain"
		if h.Get("Content-Type") != "" {
			kind = "application/octet-stream"
		}
	}
	if !strings.HasPrefix(kind, "multipart/") {
		return u.leaf(h, kind, params, body, folder, depth)
	}
	if level >= maxMultipart {
		return doc.Unreadable(doc.DetailDepth, "the parts of the e-mail are nested too deep", nil)
	}
	parts := multipart.NewReader(body, params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			if u.ctx.Err() != nil {
				return u.ctx.Err()
			}
			u.warn("the e-mail is cut off or damaged; files at its end may be missing")
			return nil
		}
		if err := u.entity(p.Header, p, folder, depth, level+1); err != nil {
			return err
		}
	}
}

// leaf reads one attached file into memory, decoded.
func (u *unpacker) leaf(h textproto.MIMEHeader, kind string, params map[string]string, body io.Reader, folder string, depth int) error {
	disposition, dparams, _ := mime.ParseMediaType(h.Get("Content-Disposition"))
	name := dparams["filename"]
	if name == "" {
		name = params["name"]
	}
	if decoded, err := new(mime.WordDecoder).DecodeHeader(name); err == nil {
		name = decoded
	}
	attached := disposition == "attachment" || name != ""
	if !attached && strings.HasPrefix(kind, "text/") {
		return nil
	}
	if disposition == "inline" && h.Get("Content-Id") != "" && strings.HasPrefix(kind, "image/") {
		return nil // a logo in a signature
	}
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding"))) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, noBlanks{body})
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(io.LimitReader(body, u.left+1))
	if err := u.take(int64(len(b))); err != nil {
		return err
	}
	if name = clean(name); name == "unnamed" && kind == "message/rfc822" {
		name = "message.eml"
	}
	name = folder + name
	if err != nil {
		u.warn("%s is cut off or damaged", name)
	}
	if len(b) == 0 {
		return nil
	}
	found := kindOf(b[:min(len(b), 4096)])
	if kind == "message/rfc822" {
		found = KindMail
	}
	switch found {
	case "":
		u.warn("%s was left out: %s", name, describe(b[:min(len(b), 4096)]))
		return nil
	case KindArchive, KindMail:
		return u.nested(b, found, name, depth)
	}
	u.parts = append(u.parts, Part{Name: name, Size: int64(len(b)), Kind: found, open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}})
	return nil
}

// noBlanks drops what base64 in mails holds beside its alphabet.
type noBlanks struct{ r io.Reader }

func (n noBlanks) Read(p []byte) (int, error) {
	for {
		got, err := n.r.Read(p)
		kept := 0
		for _, c := range p[:got] {
			if c > ' ' {
				p[kept] = c
				kept++
			}
		}
		if kept > 0 || err != nil {
			return kept, err
		}
	}
}
