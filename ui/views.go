package ui

import (
	"slices"
	"time"
)

// Frame is what every page has around its content. View models embed it.
type Frame struct {
	Title   string   // of the page; empty: the page's own
	Section string   // which entry of the navigation is the current one
	User    string   // who is signed in; empty: nobody
	Role    string   // of User
	May     May      // what User may do: what is not allowed is not offered
	Types   []Option // document types to choose from when adding files
	Version string   // of the program
	Urgent  int      // alarms of the cluster that cannot wait
}

// May says what the person may do. Cluster is for looking, Members for changing.
type May struct{ Submit, Read, Retry, Types, Status, Cluster, Members bool }

// Option is one entry of a choice.
type Option struct {
	Value, Text string
	Selected    bool
}

// Setup is the page of the one-time link that makes the first admin.
type Setup struct {
	Frame
	Token string
	Name  string // as typed before
	Error string // what was wrong with the attempt before
	Done  bool   // there is a user already

	Mismatch bool // the two passwords were not the same
}

// Login is the sign-in page.
type Login struct {
	Frame
	Next       string // local path to go to afterwards
	Name       string
	Error      string
	NeedsSetup bool // there is no user yet: the one-time link makes one
}

// Overview is the first page a person sees.
type Overview struct {
	Frame
	Missing  []string // parts that are not ready
	Total    int
	Today    int // received since midnight UTC
	LastHour int // settled within the last 60 minutes
	Counts   map[string]int
	PerHour  []int // received in each of the last hours, oldest first
	Latest   []Row
	Origin   string // scheme and host of this site, for examples
}

// Row is a document in a list.
type Row struct {
	ID, Name, State string
	Type            string // title of the type; empty while unknown
	Channel         string
	Headline        string // what a person knows it by
	Reason          string
	Pages           int
	Size            int64
	ReceivedAt      time.Time
	Lowest          float64 // least confidence among its fields
	HasLowest       bool
	Revision        uint64
}

// Documents is the list with search and filters.
type Documents struct {
	Frame
	Query    Query
	States   []Option
	TypeList []Option
	Channels []Option
	Rows     []Row
	Matched  int
	Next     string // cursor of the page after this one
}

// Query is what the list was asked for.
type Query struct{ Text, State, Type, Channel, Cursor string }

// Filtered says whether anything narrows the list.
func (q Query) Filtered() bool { return q.Text+q.State+q.Type+q.Channel != "" }

// Document is one document: its pages, what was read, and its history.
type Document struct {
	Frame
	ID, Name, State string
	Revision        uint64
	Settled         bool
	SHA256          string
	Size            int64
	Channel, Sender string
	Priority        string
	ReceivedAt      time.Time
	UpdatedAt       time.Time
	Attempts        int
	Reason          *Reason
	Parent          *Link
	Children        []Link

	Type           string // name
	TypeTitle      string
	TypeConfidence float64
	Route          string
	Cached         bool
	Timings        []Timing
	Models         []string
	Warnings       []string

	Pages   []Page
	Fields  []Field
	Tables  []Table
	ToCheck int // values that are not sure enough
	Missing []string
	Choices []Option // types it can be read again as
	History []Revision
}

// Reason says why a document is held or failed.
type Reason struct{ Code, Detail, Message string }

// Link leads to another document.
type Link struct{ ID, Name, State string }

// Timing is how long a stage of reading took.
type Timing struct {
	Stage string
	MS    int
}

// Page is a page's picture with the boxes over it. Sizes and boxes are in
// pixels of the picture.
type Page struct {
	Number, Width, Height int
	Turned                int // degrees clockwise it was turned to be upright
	Blank                 bool
	Boxes                 []Box
	Warnings              []string
}

// Box is a rectangle that belongs to a field.
type Box struct {
	Key        string // of the field
	Label      string // title and value, for screen readers
	Level      string // high, mid, low
	X, Y, W, H int
	Cell       bool // of a table
}

// NewBox makes the box x0, y0, x1, y1 of a field, a little larger than the
// print, so that its line does not cross the letters.
func NewBox(key, label string, at [4]int, confidence float64, cell bool) Box {
	const room = 3
	return Box{
		Key: key, Label: label, Level: level(confidence), Cell: cell,
		X: at[0] - room, Y: at[1] - room, W: at[2] - at[0] + 2*room, H: at[3] - at[1] + 2*room,
	}
}

// Field is one value with all that is known about it.
type Field struct {
	Key          string // unique on the page: joins it to its box
	Name, Title  string
	Kind         string // money, date …
	Value, Raw   string
	Currency     string
	Confidence   float64
	Accepted     bool
	Page         int // 0 when it stands on no page
	Boxed        bool
	Source       string
	Method       string
	Model        string
	Checks       []string
	Failed       []string
	Alternatives []Alternative
}

// Alternative is another candidate for a value.
type Alternative struct {
	Value      string
	Confidence float64
}

// Table is a field with rows.
type Table struct {
	Name, Title string
	Confidence  float64
	Source      string
	Page        int
	Columns     []Column
	Rows        [][]Field // a cell for each column; empty Key: nothing was found
}

// Column is the head of a table's column.
type Column struct {
	Name, Title string
	Numeric     bool
}

// Revision is one step of a document's history.
type Revision struct {
	Number  uint64
	State   string
	By      string
	At      time.Time
	Reason  string
	Changed string // values that differ from the step before
}

// Types is the list of document types.
type Types struct {
	Frame
	List []Type
}

// Type is one document type; as a page of its own it has a Frame.
type Type struct {
	Frame
	Name, Caption string
	Revision      string
	Keywords      []string
	Checks        []string
	OpenKeys      bool
	Fields        []Spec
}

// Spec is one field of a type.
type Spec struct {
	Name, Title, Kind string
	Required          bool
	Repeated          bool     // a document may have several
	Labels, Avoid     []string // words that speak for and against a place
	Pattern, Hint     string
	Columns           []Spec
}

// Status is the page of the node itself.
type Status struct {
	Frame
	Node, Cluster, Commit string
	Name                  string // as people call the machine
	Standing              string // in its cluster: active, draining …; empty: it has none
	StartedAt             time.Time
	Ready                 bool
	Missing               []string
	Engines               []Engine
	Models                []string
	MaxBytes              int64
	MaxPages              int
	MaxPixels             int64
}

// Versions says whether any engine tells its version.
func (s Status) Versions() bool {
	return slices.ContainsFunc(s.Engines, func(e Engine) bool { return e.Version != "" })
}

// Engine is a part of the node.
type Engine struct{ Name, Version, State, Detail string }

// Error is what a person sees when something did not work.
type Error struct {
	Frame
	Status    int
	Message   string
	RequestID string
}
