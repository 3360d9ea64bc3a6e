package api

import (
	"context"
	"io"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// Documents is the way to documents and their records.
type Documents interface {
	// Submit reads r to its end and answers when the bytes and the intake record
	// are durable. An error of r (a truncated upload) means that nothing is kept.
	// Errors: Invalid, TooLarge, Full, Unavailable.
	Submit(ctx context.Context, r io.Reader, d doc.Delivery) (doc.Receipt, error)
	// Get gives the latest revision, or NotFound.
	Get(ctx context.Context, id doc.ID) (doc.Record, error)
	// List gives one page of the documents that match q, newest first. A cursor
	// that List did not make is Invalid.
	List(ctx context.Context, q doc.Query) (doc.List, error)
	// Revisions gives all revisions of a document, oldest first, or NotFound.
	Revisions(ctx context.Context, id doc.ID) ([]doc.Record, error)
	// Retry has a settled document read again and gives the new revision.
	// Errors: NotFound, Conflict (not settled, erased), Invalid (unknown type).
	Retry(ctx context.Context, id doc.ID, o RetryOptions) (doc.Record, error)
}

// RetryOptions says how a document is to be read again.
type RetryOptions struct {
	Type     string // document type; empty: as before
	Password string // opens an encrypted file; never stored or logged
	Model    string // model of fields: a digest, "shipped" or "rules"; empty: the live one
	By       string // who asks, for the record
}

// Reviews is the way to what people say about documents.
type Reviews interface {
	// Review takes a correction or an approval and gives the new revision. Errors:
	// NotFound, Conflict (not read yet, or somebody was faster), Invalid (unknown
	// field, a value that the field cannot hold).
	Review(ctx context.Context, id doc.ID, c doc.Correction, by string) (doc.Record, error)
	// Compare reads a document with each of models and keeps nothing of it.
	Compare(ctx context.Context, id doc.ID, models []string) (doc.Comparison, error)
	// Erase removes a document for good and gives the tombstone that stays.
	Erase(ctx context.Context, id doc.ID, by string) (doc.Record, error)
}

// Models is the way to what was learned about a type, and what is asked of it.
type Models interface {
	Models(ctx context.Context, typeName string) (doc.ModelList, error)
	// Train asks for a training in the background, as soon as there is time for it.
	Train(ctx context.Context, typeName, by string) (doc.ModelList, error)
	// Activate makes a model the live one: a digest, or "shipped". NotFound when
	// there is none, Invalid when it cannot be read; then nothing changes.
	Activate(ctx context.Context, typeName, model, by string) (doc.ModelList, error)
	Targets(ctx context.Context, typeName string) (doc.TargetReport, error)
	PutTargets(ctx context.Context, typeName string, t doc.Targets, by string) (doc.TargetReport, error)
}

// Content is the way to bytes and to what stands on pages.
type Content interface {
	// Original opens the bytes as they were delivered; the caller closes Body.
	Original(ctx context.Context, id doc.ID) (Original, error)
	// PageImage gives page n (1 for the first) upright as JPEG, width pixels
	// wide; 0 means as it was read. Never wider than it was read.
	PageImage(ctx context.Context, id doc.ID, n, width int) ([]byte, error)
	// Page gives the words of page n. NotFound when the document has no such
	// page, Conflict when it has not been read yet.
	Page(ctx context.Context, id doc.ID, n int) (doc.Page, error)
}

// Original is an opened original.
type Original struct {
	Body        io.ReadCloser
	Size        int64  // bytes
	Name        string // as the sender called it
	ContentType string // found from the bytes, not from the name
	SHA256      string // hexadecimal, becomes the ETag
}

// Types is the way to document types, shipped and added.
type Types interface {
	List(ctx context.Context) ([]doc.Type, error)
	// Get gives a type or NotFound.
	Get(ctx context.Context, name string) (doc.Type, error)
	// Put adds or replaces a type that Validate has passed; by is who did it.
	Put(ctx context.Context, t doc.Type, by string) error
	// Delete removes a type; a shipped one that was replaced comes back. NotFound
	// when there is none, Conflict for a shipped one that nobody replaced.
	Delete(ctx context.Context, name, by string) error
}

// Events is the way to changes as they happen.
type Events interface {
	// Subscribe delivers changes of one document, or of all when id is empty,
	// until ctx ends; then the channel is closed. A subscriber that is too slow
	// loses progress events, never the last revision of a document.
	Subscribe(ctx context.Context, id doc.ID) (<-chan doc.Event, error)
	// Wait answers with the record as soon as it is settled, at once when it is
	// already. When ctx ends before, it gives the record as it stands and nil.
	Wait(ctx context.Context, id doc.ID) (doc.Record, error)
}

// Status is what the node says about itself.
type Status interface {
	Overview(ctx context.Context) (doc.Overview, error)
	Status(ctx context.Context) (NodeStatus, error)
	// Missing names the parts that are not ready; empty means ready. It must not
	// block: a load balancer asks it every second.
	Missing() []string
}

// NodeStatus is the answer of GET /status.
type NodeStatus struct {
	Node      string          `json:"node"`               // id of this member
	Name      string          `json:"name"`               // as people call the machine
	Cluster   string          `json:"cluster"`            // id of the cluster
	Standing  doc.MemberState `json:"standing,omitempty"` // of this member in its cluster; empty: it has none
	Version   string          `json:"version"`            // of the program
	Commit    string          `json:"commit,omitempty"`
	StartedAt time.Time       `json:"started_at"`
	Ready     bool            `json:"ready"`
	Missing   []string        `json:"missing"` // parts that are not ready
	Engines   []Engine        `json:"engines"`
	Models    []string        `json:"models"` // name@sha256:…
	Limits    Limits          `json:"limits"`
}

// Engine is a part of the node with a life of its own: broker, blob store …
type Engine struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	State   string `json:"state"` // ok, starting, down
	Detail  string `json:"detail,omitempty"`
}

// Limits are the configured bounds of a document.
type Limits struct {
	MaxBytes  int64 `json:"max_bytes"`
	MaxPages  int   `json:"max_pages"`
	MaxPixels int64 `json:"max_pixels"` // of one page
}

// Cluster is the way to the members of the cluster. Members are named by their
// ID; the API turns names into IDs.
type Cluster interface {
	// View gives the cluster as this member sees it. It asks the other members and
	// does not wait for one that does not answer.
	View(ctx context.Context) (doc.ClusterView, error)
	// Token makes what a new machine shows to be let in: once, within ttl. Errors:
	// Conflict when others cannot reach this member (it listens on a loopback
	// address), Unavailable without a quorum.
	Token(ctx context.Context, ttl time.Duration, by string) (doc.JoinToken, error)
	// Drain has a member finish its work and take no more, or with on false take
	// work again. Errors: NotFound, Conflict (it is leaving), Unavailable.
	Drain(ctx context.Context, member string, on bool, by string) error
	// Remove has a member leave for good. One that is up first hands over its
	// copies and duties; one that is down is removed at once when the others have a
	// quorum and a copy of everything. It answers when this is decided; View tells
	// how it goes on. Errors: NotFound, Unavailable, Conflict with the remedy.
	Remove(ctx context.Context, member string, o RemoveOptions) error
	// Finalise puts the features of the newest version into use, for good.
	// Conflict when a member cannot use them or nothing waits to be finalised.
	Finalise(ctx context.Context, by string) error
}

// RemoveOptions says how a member is to leave.
type RemoveOptions struct {
	// Force gives up what only this member holds. Only for a member that is down
	// (else Conflict), and never against the quorum: without one Recover is the way.
	Force bool
	By    string // who asks, for the record
}

// Member is what this member knows of itself without asking anybody: nothing
// here blocks, save Reach.
type Member interface {
	// Standing is where this member stands: a draining one takes no new work, a
	// removed one belongs to nothing any more.
	Standing() doc.MemberState
	// Alarms are those that this member knows of, for every page.
	Alarms() []doc.Alarm
	// Position is what this member's index and control state hold right now. After
	// a write it holds that write.
	Position() doc.Position
	// Reach answers when index and control state hold at least p, or with an error
	// when ctx ends before. A p beyond the end of everything known (the log was
	// made anew) is reached.
	Reach(ctx context.Context, p doc.Position) error
}

// Ports is everything the API needs from the node. Without Cluster there are no
// pages and routes of it; without Member this is a node on its own, for good.
type Ports struct {
	Documents   Documents
	Content     Content
	Types       Types
	Reviews     Reviews
	Models      Models
	Events      Events
	Status      Status
	Maintenance Maintenance
	Cluster     Cluster // may be nil
	Member      Member  // may be nil
}
