// Package doc is the domain of Recto: documents, their states, pages, fields,
// results and document types. It owns the words everybody else speaks, imports
// the standard library only, does no I/O and reads no clock.
package doc

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
	"time"
)

// ID names a document: 26 lower-case base32 characters (130 bits) made from the
// SHA-256 of its bytes, so that the same bytes are the same document on every
// member, with or without a broker to ask.
type ID string

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// IDFromDigest makes the document ID of bytes with SHA-256 sum.
func IDFromDigest(sum [sha256.Size]byte) ID {
	return ID(idEncoding.EncodeToString(sum[:])[:26])
}

// IDFromHex is IDFromDigest for a digest written as 64 hexadecimal digits.
func IDFromHex(hexSum string) (ID, error) {
	b, err := hex.DecodeString(hexSum)
	if err != nil || len(b) != sha256.Size {
		return "", Errorf(Invalid, "not a SHA-256 digest: %q", hexSum)
	}
	return IDFromDigest([sha256.Size]byte(b)), nil
}

// Valid says whether id has the form of a document ID. Every ID that comes from
// outside is checked before it becomes part of a key, subject or path.
func (id ID) Valid() bool {
	if len(id) != 26 {
		return false
	}
	return strings.Trim(string(id), "0123456789abcdefghjkmnpqrstvwxyz") == ""
}

// Priority orders documents that wait to be read.
type Priority string

// The closed set of priorities; each has its own worker consumer.
const (
	High   Priority = "hi"   // a person waits at the station
	Normal Priority = "norm" // the default
	Batch  Priority = "batch"
)

// Priorities lists all priorities, most urgent first.
var Priorities = []Priority{High, Normal, Batch}

// Splitting says whether a file of several documents is taken apart; empty: it is.
type Splitting string

// SplitNever keeps a file in one piece, whatever it holds.
const SplitNever Splitting = "never"

// Arrival is an intake record: one delivery of bytes through one channel. It is
// written once, before the sender is answered, and never changed. The same
// bytes delivered twice have two arrivals and one document.
type Arrival struct {
	ID          ID        `json:"id"`
	SHA256      string    `json:"sha256"` // of the original bytes, hexadecimal
	Size        int64     `json:"size"`   // bytes
	Name        string    `json:"name"`   // as the sender called it; a label, never a key
	Channel     string    `json:"channel"`
	Sender      string    `json:"sender,omitempty"` // credential that delivered it
	Type        string    `json:"type,omitempty"`   // document type the sender asked for; empty: recognise
	Priority    Priority  `json:"priority"`
	Split       Splitting `json:"split,omitempty"`  // whether the sender lets the file be taken apart; empty: yes
	Parent      ID        `json:"parent,omitempty"` // the archive or e-mail that held it
	ReceivedAt  time.Time `json:"received_at"`
	Traceparent string    `json:"traceparent,omitempty"` // W3C trace context of the delivery
}

// Record is a document as of one revision. A record is never edited: each
// change is a new revision appended to the log and archived as an object.
type Record struct {
	Arrival
	Revision  uint64    `json:"revision"` // 1 for the first, then without gaps
	State     State     `json:"state"`
	Reason    *Error    `json:"reason,omitempty"` // why held or failed
	Attempts  int       `json:"attempts,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
	By        string    `json:"by"`                 // who made this revision: intake, worker, or a user's name
	Children  []ID      `json:"children,omitempty"` // documents found inside an archive or e-mail
	Result    *Result   `json:"result,omitempty"`
	Review    *Review   `json:"review,omitempty"` // what a person said, once one did
	Model     string    `json:"model,omitempty"`  // model of fields asked for when it was to be read again; empty: the live one
}

// First makes revision 1 of the document that a delivers.
func First(a Arrival) Record {
	return Record{Arrival: a, Revision: 1, State: StateQueued, UpdatedAt: a.ReceivedAt, By: "intake"}
}

// Next makes the revision after r in state to, or an Invalid error when the
// transition table has no such edge.
func (r Record) Next(to State, by string, at time.Time) (Record, error) {
	if !CanMove(r.State, to) {
		return Record{}, Errorf(Conflict, "document %s is %s and cannot become %s", r.ID, r.State, to)
	}
	r.Revision++
	r.State, r.By, r.UpdatedAt, r.Reason = to, by, at, nil
	return r, nil
}
