package doc

// Split says what a file of several documents was taken apart into, or where it
// might be. The file itself stays as it came: nothing on its pages is lost.
type Split struct {
	Documents []SplitDocument `json:"documents"`          // in the order of Record.Children; empty when the file stayed whole
	Sheets    []int           `json:"sheets"`             // numbers of separator sheets, which are in no document
	Proposed  []Boundary      `json:"proposed,omitempty"` // where another document may begin: likely, but not done
}

// SplitDocument is one document of a batch.
type SplitDocument struct {
	Pages      []int   `json:"pages"`          // numbers in the batch, 1 for the first
	Type       string  `json:"type,omitempty"` // document type its separator sheet asks for
	Confidence float64 `json:"confidence"`     // that it begins where it does; 1 at a separator sheet
}

// Boundary is a place between two pages where a document may begin.
type Boundary struct {
	Page       int     `json:"page"` // the first of the document
	Confidence float64 `json:"confidence"`
}
