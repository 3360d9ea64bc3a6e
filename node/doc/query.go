package doc

import "time"

// Delivery is what a channel says about bytes it hands to intake.
type Delivery struct {
	Name        string // as the sender called it
	Channel     string // http, folder, cli, archive …
	Sender      string // credential that delivered it; empty when the channel has none
	Type        string // document type asked for; empty: recognise
	Priority    Priority
	Split       Splitting // whether the file may be taken apart
	Parent      ID        // the archive or e-mail that held it
	Traceparent string    // W3C trace context
}

// Receipt is the answer to a delivery: bytes and intake record are durable.
type Receipt struct {
	ID        ID     `json:"id"`
	SHA256    string `json:"sha256"`
	Size      int64  `json:"size"`
	Name      string `json:"name"`
	State     State  `json:"state"`     // received when the log did not answer yet
	Duplicate bool   `json:"duplicate"` // the same bytes were here before; ID is the first one's
}

// Query asks the index for documents, newest first.
type Query struct {
	Text    string // every word must occur in name, ID or a field's value, regardless of case
	State   State  // empty: any
	Type    string // empty: any
	Channel string // empty: any
	// Reviewed asks for those only that a person has looked at.
	Reviewed bool
	Cursor   string // from List.Next; empty: from the newest
	Limit    int    // at most this many; 0: 50
}

// Summary is a document as a row of a list.
type Summary struct {
	ID         ID        `json:"id"`
	Name       string    `json:"name"`
	State      State     `json:"state"`
	Type       string    `json:"type"`
	Channel    string    `json:"channel"`
	Size       int64     `json:"size"`
	Pages      int       `json:"pages"`
	ReceivedAt time.Time `json:"received_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	Reason     string    `json:"reason,omitempty"`
	Headline   string    `json:"headline,omitempty"` // what a person knows it by: company, total …
	Lowest     float64   `json:"lowest,omitempty"`   // least confidence among its fields
	Revision   uint64    `json:"revision"`
	Reviewed   bool      `json:"reviewed,omitempty"` // a person has looked at it
}

// List is one page of an answer to a Query.
type List struct {
	Documents []Summary `json:"documents"`
	Next      string    `json:"next,omitempty"` // cursor of the next page; empty at the end
	Matched   int       `json:"matched"`        // how many match in all
}

// Event is a change as it happens: a new revision, or progress within one.
type Event struct {
	ID       ID        `json:"id"`
	Revision uint64    `json:"revision,omitempty"`
	State    State     `json:"state"`
	Name     string    `json:"name,omitempty"`
	Stage    string    `json:"stage,omitempty"` // decode, ocr, fields …, while reading
	Page     int       `json:"page,omitempty"`  // pages finished so far
	Pages    int       `json:"pages,omitempty"`
	At       time.Time `json:"at"`
}

// Overview counts documents for the first page a person sees.
type Overview struct {
	ByState  map[State]int `json:"by_state"`
	Total    int           `json:"total"`
	LastHour int           `json:"last_hour"` // settled within the last 60 minutes
	Today    int           `json:"today"`     // received since midnight UTC
	PerHour  [24]int       `json:"per_hour"`  // received in each of the last 24 hours, oldest first
}
