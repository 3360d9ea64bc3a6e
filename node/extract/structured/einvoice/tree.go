package einvoice

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
)

// Bounds of what is read. Real e-invoices, attachments inside them included,
// stay far below; what is over is refused before it costs memory.
const (
	maxBytes    = 32 << 20
	maxDepth    = 64
	maxElements = 500_000
)

var errBounds = errors.New("larger or deeper than an invoice may be")

// node is one element: names without their prefix, because only the root's
// namespace decides which standard a file follows.
type node struct {
	name     string
	space    string
	attrs    []xml.Attr
	text     string
	children []*node
}

// parseTree reads src into a tree. Entities other than XML's own five are
// errors (encoding/xml never expands a DTD), so nothing outside src is opened
// and nothing grows.
func parseTree(src []byte) (*node, error) {
	if len(src) > maxBytes {
		return nil, errBounds
	}
	dec := xml.NewDecoder(bytes.NewReader(utf8Bytes(src)))
	dec.CharsetReader = charsetReader
	var stack []*node
	var root *node
	for count := 0; ; {
		tok, err := dec.Token()
		if err == io.EOF && root != nil && len(stack) == 0 {
			return root, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read xml: %w", err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			count++
			if count > maxElements || len(stack) >= maxDepth {
				return nil, errBounds
			}
			n := &node{name: t.Name.Local, space: t.Name.Space, attrs: t.Attr}
			if len(stack) > 0 {
				top := stack[len(stack)-1]
				top.children = append(top.children, n)
			} else if root == nil {
				root = n
			} else {
				return nil, errors.New("read xml: more than one root element")
			}
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				if s := strings.TrimSpace(string(t)); s != "" {
					stack[len(stack)-1].text += string(t)
				}
			}
		}
	}
}

// utf8Bytes turns UTF-16 into UTF-8; with a mark, or recognised by the zero
// beside the first '<'.
func utf8Bytes(src []byte) []byte {
	src16 := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	switch {
	case bytes.HasPrefix(src, []byte{0xEF, 0xBB, 0xBF}):
		return src[3:]
	case bytes.HasPrefix(src, []byte{0xFF, 0xFE}), bytes.HasPrefix(src, []byte{0xFE, 0xFF}):
	case bytes.HasPrefix(src, []byte{'<', 0}):
	case bytes.HasPrefix(src, []byte{0, '<'}):
		src16 = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	default:
		return src
	}
	out, err := src16.NewDecoder().Bytes(src)
	if err != nil {
		return src
	}
	return out
}

func charsetReader(label string, r io.Reader) (io.Reader, error) {
	label = strings.ToLower(strings.TrimSpace(label))
	if label == "utf-8" || strings.HasPrefix(label, "utf-16") || label == "us-ascii" {
		return r, nil // utf8Bytes has turned UTF-16 already
	}
	enc, err := ianaindex.IANA.Encoding(label)
	if err != nil || enc == nil || enc == encoding.Replacement {
		return nil, fmt.Errorf("unknown encoding %q", label)
	}
	return enc.NewDecoder().Reader(r), nil
}

// all gives the elements at path below n: names between slashes, each one or
// several alternatives between bars. A nil n has none.
func (n *node) all(path string) []*node {
	if n == nil {
		return nil
	}
	found := []*node{n}
	for _, step := range strings.Split(path, "/") {
		var next []*node
		for _, f := range found {
			for _, c := range f.children {
				if oneOf(step, c.name) {
					next = append(next, c)
				}
			}
		}
		found = next
	}
	return found
}

func oneOf(alternatives, name string) bool {
	for rest := alternatives; rest != ""; {
		var one string
		one, rest, _ = strings.Cut(rest, "|")
		if one == name {
			return true
		}
	}
	return false
}

// get is the first of all, or nil.
func (n *node) get(path string) *node {
	if found := n.all(path); len(found) > 0 {
		return found[0]
	}
	return nil
}

// str is the text of the first element at path that has any.
func (n *node) str(path string) string {
	for _, f := range n.all(path) {
		if s := strings.TrimSpace(f.text); s != "" {
			return s
		}
	}
	return ""
}

// attr is the value of the attribute called name; "" for a nil n.
func (n *node) attr(name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.attrs {
		if a.Name.Local == name {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// value is the text of n; "" for a nil n.
func (n *node) value() string {
	if n == nil {
		return ""
	}
	return strings.TrimSpace(n.text)
}

// join puts the non-empty texts at paths together.
func (n *node) join(sep string, paths ...string) string {
	var parts []string
	for _, p := range paths {
		for _, f := range n.all(p) {
			if s := f.value(); s != "" {
				parts = append(parts, s)
			}
		}
	}
	return strings.Join(parts, sep)
}
