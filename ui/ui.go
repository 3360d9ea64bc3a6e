// Package ui holds the pages people see: templates, style, scripts and texts,
// all embedded, so that they work with no Internet and need no build.
//
// It owns how things look and what the words on the pages are. It declares a
// plain view model for each page and guarantees that pages carry no inline
// script or style (a strict content security policy holds), load nothing from
// another host, and that their forms and links work without scripts. It never
// speaks HTTP, never asks the node for anything, and knows none of its packages.
package ui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strings"
)

//go:embed templates static messages
var files embed.FS

// The pages, as Render knows them; each has a view model of the same name.
const (
	PageSetup     = "setup"
	PageLogin     = "login"
	PageOverview  = "overview"
	PageDocuments = "documents"
	PageDocument  = "document"
	PageTypes     = "types"
	PageType      = "type"
	PageStatus    = "status"
	PageCluster   = "cluster"
	PageInvite    = "invite"
	PageConfirm   = "confirm"
	PageError     = "error"
)

var pages = []string{
	PageSetup, PageLogin, PageOverview, PageDocuments, PageDocument,
	PageTypes, PageType, PageStatus, PageCluster, PageInvite, PageConfirm, PageError,
}

// language of all pages for now; a second file in messages adds another.
const language = "en"

// UI renders pages. It is safe for concurrent use.
type UI struct {
	pages  map[string]*template.Template
	static fs.FS
}

// New parses the templates.
func New() (*UI, error) {
	static, version, err := openStatic()
	if err != nil {
		return nil, err
	}
	words, err := loadMessages(language)
	if err != nil {
		return nil, err
	}
	funcs := functions(words)
	funcs["asset"] = func(name string) string { return path.Join("/static", version, name) }
	base, err := template.New("").Funcs(funcs).ParseFS(files, "templates/layout.html", "templates/parts/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse the layout: %w", err)
	}
	u := &UI{pages: map[string]*template.Template{}, static: static}
	for _, name := range pages {
		t, err := base.Clone()
		if err == nil {
			t, err = t.ParseFS(files, "templates/"+name+".html")
		}
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
		u.pages[name] = t
	}
	return u, nil
}

// Render writes a page; data is the view model of the same name. Nothing is
// written when the page cannot be rendered.
func (u *UI) Render(w io.Writer, page string, data any) error {
	t, ok := u.pages[page]
	if !ok {
		return fmt.Errorf("render %q: there is no such page", page)
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, "layout", data); err != nil {
		return fmt.Errorf("render %s: %w", page, err)
	}
	if _, err := out.WriteTo(w); err != nil {
		return fmt.Errorf("write %s: %w", page, err)
	}
	return nil
}

// Static gives the files that pages load from below /static/. Their first
// folder is a digest of all of them, so that a new version never meets old
// files in a browser's cache.
func (u *UI) Static() fs.FS { return u.static }

// versioned is a file system below one folder that exists in name only.
type versioned struct {
	fs.FS
	version string
}

// Open implements fs.FS.
func (v versioned) Open(name string) (fs.File, error) {
	rest, ok := strings.CutPrefix(name, v.version+"/")
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return v.FS.Open(rest)
}

func openStatic() (fs.FS, string, error) {
	sub, err := fs.Sub(files, "static")
	if err != nil {
		return nil, "", fmt.Errorf("open static files: %w", err)
	}
	h := sha256.New()
	err = fs.WalkDir(sub, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(sub, name)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s %d\n", name, len(raw))
		h.Write(raw)
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("read static files: %w", err)
	}
	version := hex.EncodeToString(h.Sum(nil)[:6])
	return versioned{sub, version}, version, nil
}
