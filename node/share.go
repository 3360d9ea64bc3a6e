package node

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/recto-edge/recto/cluster"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract"
)

const (
	sharedFrom = 8        // pages of a document that is worth sharing
	mostShared = 16       // pages asked for at once
	maxShared  = 64 << 20 // bytes of an answer
	skillOCR   = "ocr"
)

// shareRequest asks another member to read some pages.
type shareRequest struct {
	SHA256 string `json:"sha256"`
	Name   string `json:"name"`
	Whole  bool   `json:"whole"`
	Pages  []int  `json:"pages"`
}

// helpers gives the members that read pages of a long document along with this
// one. An encrypted document is read where its password is.
func (n *Node) helpers(in extract.Input, pages int) []extract.Helper {
	if in.Password != "" || pages < sharedFrom {
		return nil
	}
	var out []extract.Helper
	for _, m := range n.others() {
		h, up := n.peers.of(m.ID)
		if !up || m.State != cluster.Active || !slices.Contains(m.Skills, skillOCR) || h.Busy >= h.Workers {
			continue
		}
		out = append(out, func(ctx context.Context, pages []int) ([]doc.Page, error) {
			var got []doc.Page
			err := n.postTo(ctx, m.ID, "/pages", shareRequest{SHA256: in.SHA256, Name: in.Name, Whole: in.Whole, Pages: pages}, maxShared, &got)
			return got, err
		})
	}
	return out
}

// serveShare reads pages for another member, while this one has a worker to spare.
func (n *Node) serveShare(w http.ResponseWriter, r *http.Request) {
	var ask shareRequest
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&ask); err != nil || len(ask.Pages) > mostShared {
		writeFailure(w, doc.Errorf(doc.Invalid, "not a request for pages"))
		return
	}
	if n.busy.Add(1) > int64(n.cfg.workers()) || n.standing() != doc.MemberActive {
		n.busy.Add(-1)
		writeFailure(w, doc.Errorf(doc.Unavailable, "no worker is free"))
		return
	}
	defer n.busy.Add(-1)
	pages, err := n.readShare(r.Context(), ask)
	if err != nil {
		writeFailure(w, err)
		return
	}
	writeAnswer(w, pages)
}

func (n *Node) readShare(ctx context.Context, ask shareRequest) ([]doc.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Limits.FileTimeout)
	defer cancel()
	f, err := n.openOriginal(ctx, ask.SHA256)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return n.reading.Pages(ctx, extract.Input{Name: ask.Name, R: f, Size: f.Size(), SHA256: ask.SHA256, Whole: ask.Whole}, ask.Pages)
}

// wordsElsewhere gives the words of a document from another member's cache.
func (n *Node) wordsElsewhere(ctx context.Context, key string) (doc.Reading, bool) {
	for _, m := range n.others() {
		if !n.peers.up(m.ID) {
			continue
		}
		var got doc.Reading
		if err := n.getFrom(ctx, m.ID, "/words/"+key, maxShared, &got); err == nil {
			return got, true
		}
	}
	return doc.Reading{}, false
}

func (n *Node) serveWords(w http.ResponseWriter, r *http.Request) {
	reading, ok := n.db.Values().Reading(r.PathValue("key"))
	if !ok {
		writeFailure(w, doc.Errorf(doc.NotFound, "these words are not in the cache"))
		return
	}
	writeAnswer(w, reading)
}

// secret is the password of a document, which lives in memory only. Whichever
// member reads the document needs it.
type secret struct {
	ID       doc.ID `json:"id"`
	Password string `json:"password"`
}

// tellSecret gives a password to the members that are up.
func (n *Node) tellSecret(ctx context.Context, s secret) {
	for _, m := range n.others() {
		if !n.peers.up(m.ID) {
			continue
		}
		if err := n.postTo(ctx, m.ID, "/secret", s, 1<<16, nil); err != nil {
			n.log.Warn("a member does not know the password of a document and may have to give it back", "member", m.Name, "id", s.ID, "error", err)
		}
	}
}

func (n *Node) serveSecret(w http.ResponseWriter, r *http.Request) {
	var s secret
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&s); err != nil || !s.ID.Valid() {
		writeFailure(w, doc.Errorf(doc.Invalid, "not a password of a document"))
		return
	}
	n.secrets.Store(s.ID, s.Password)
	w.WriteHeader(http.StatusNoContent)
}

// arrived hears of an object that another member stored here. An intake record
// may be of a member that dies before the log hears of it: the sweeper looks.
func (n *Node) arrived(key string) {
	if strings.HasPrefix(key, arrivals) {
		n.intake.Heard(key)
	}
}
