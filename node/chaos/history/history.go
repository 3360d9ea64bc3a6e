// Package history judges a fault run by what clients saw and by what is left at
// the end, and by nothing else: it asks no member what it believes.
//
// A History is every delivery with its answer. Views are what each member says
// through its API once everything is healed; Disks what lies in the files of each
// member. Check compares them and names every promise that was broken. It never
// guesses in favour of the system: what cannot be shown is a violation.
package history

import (
	"fmt"
	"slices"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// Op is one delivery to one member and its answer.
type Op struct {
	SHA256  string    `json:"sha256"` // of what was sent
	Name    string    `json:"name"`
	Member  string    `json:"member"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Acked   bool      `json:"acked"` // the member answered that the document is safe
	ID      doc.ID    `json:"id,omitempty"`
	Answer  string    `json:"answer,omitempty"`  // SHA-256 in the receipt
	Problem string    `json:"problem,omitempty"` // why it was not acknowledged
}

// History is all deliveries of a run. An Op that was not acknowledged may or may
// not have taken place.
type History struct {
	Ops []Op `json:"ops"`
}

// View is what one member shows.
type View struct {
	Member    string
	Away      string                  // why it could not be asked at all; empty: it answered
	Documents []doc.Summary           // its list
	Revisions map[doc.ID][]doc.Record // of the documents looked at, oldest first
	Originals map[doc.ID]string       // SHA-256 of the bytes it gives out
	Problems  map[doc.ID]string       // what could not be asked for, and why
}

// Disk is what lies in the files of one member.
type Disk struct {
	Member    string
	Originals map[string]bool                // by SHA-256: whether the bytes are still those
	Arrivals  map[doc.ID]int                 // intake records that can be read
	Records   map[doc.ID]map[uint64][]string // archived revisions: digests under one number
}

// Kind names a broken promise.
type Kind string

// The promises that are checked.
const (
	Lost      Kind = "lost"      // acknowledged, and neither a member that answers nor a disk has it
	Answered  Kind = "answered"  // the receipt is of something else than was sent
	Doubled   Kind = "doubled"   // one content is listed as several documents
	Stranger  Kind = "stranger"  // listed, and nobody sent it
	Unsettled Kind = "unsettled" // never read to the end
	Unread    Kind = "unread"    // settled without a result
	Twice     Kind = "twice"     // it has more than one result
	Gap       Kind = "gap"       // revisions are not consecutive, or move where none may
	Fork      Kind = "fork"      // two revisions under one number
	Bytes     Kind = "bytes"     // the original is not what was sent
	Copies    Kind = "copies"    // on fewer disks than promised
	Archive   Kind = "archive"   // a revision is in no archive
	Lists     Kind = "lists"     // members show different lists
	Hidden    Kind = "hidden"    // a member that answers does not show what others have
	Refused   Kind = "refused"   // a member never came back, or could not be asked at the end
)

// Violation is one broken promise.
type Violation struct {
	Kind   Kind   `json:"kind"`
	ID     doc.ID `json:"id,omitempty"`
	Name   string `json:"name,omitempty"`
	Member string `json:"member,omitempty"`
	Text   string `json:"text"`
}

// String implements fmt.Stringer.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %s %s (member %q): %s", v.Kind, v.ID, v.Name, v.Member, v.Text)
}

// Sent is a document that was delivered at least once.
type Sent struct {
	ID     doc.ID
	SHA256 string
	Name   string
	Acked  int
	First  time.Time // first acknowledgement
}

// Documents gives what was sent, by ID.
func (h History) Documents() map[doc.ID]Sent {
	out := map[doc.ID]Sent{}
	for _, op := range h.Ops {
		id, err := doc.IDFromHex(op.SHA256)
		if err != nil {
			continue // Check says so
		}
		s := out[id]
		s.ID, s.SHA256, s.Name = id, op.SHA256, op.Name
		if op.Acked {
			if s.Acked++; s.First.IsZero() || op.End.Before(s.First) {
				s.First = op.End
			}
		}
		out[id] = s
	}
	return out
}

// Acked counts documents that were acknowledged at least once.
func (h History) Acked() int {
	n := 0
	for _, s := range h.Documents() {
		if s.Acked > 0 {
			n++
		}
	}
	return n
}

// Pause is the longest time in which at least one sender waited and nobody was
// answered well: how long the cluster took no documents.
func (h History) Pause() time.Duration { return h.PauseWithin(time.Time{}, time.Time{}) }

// PauseWithin is Pause as met by deliveries that began from one moment until
// another; zero is no bound.
func (h History) PauseWithin(from, to time.Time) time.Duration {
	var good []time.Time
	var last time.Time
	for _, op := range h.Ops {
		if op.Acked {
			good = append(good, op.End)
		}
		if op.End.After(last) {
			last = op.End
		}
	}
	slices.SortFunc(good, time.Time.Compare)
	good = append(good, last) // who was never answered waited until everybody gave up
	longest := time.Duration(0)
	for _, op := range h.Ops {
		if op.Start.Before(from) || (!to.IsZero() && op.Start.After(to)) {
			continue
		}
		// From the begin of this delivery until the next good answer to anybody.
		if i, _ := slices.BinarySearchFunc(good, op.Start, time.Time.Compare); i < len(good) {
			longest = max(longest, good[i].Sub(op.Start))
		}
	}
	return longest
}
