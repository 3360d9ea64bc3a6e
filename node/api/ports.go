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
	Node      string    `json:"node"`    // name of this member
	Cluster   string    `json:"cluster"` // id of the cluster
	Version   string    `json:"version"` // of the program
	Commit    string    `json:"commit,omitempty"`
	StartedAt time.Time `json:"started_at"`
	Ready     bool      `json:"ready"`
	Missing   []string  `json:"missing"` // parts that are not ready
	Engines   []Engine  `json:"engines"`
	Models    []string  `json:"models"` // name@sha256:…
	Limits    Limits    `json:"limits"`
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

// Ports is everything the API needs from the node.
type Ports struct {
	Documents   Documents
	Content     Content
	Types       Types
	Reviews     Reviews
	Models      Models
	Events      Events
	Status      Status
	Maintenance Maintenance
}
