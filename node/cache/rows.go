package cache

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// A row is one document in the list: what filters need in front, then the
// summary as it is shown, then the text that is searched, lower case. Rows are
// scanned as they lie in the file, without decoding those that do not match.
//
//	state (1 byte: index in doc.States) | type | channel | summary (JSON) | text
//
// with a uvarint length before each of type, channel and summary.

// maxText bounds the searched text of one document in bytes: a table of a
// thousand rows must not make every search slow.
const maxText = 16 << 10

// rowKey orders rows by when the document was received, then by ID.
func rowKey(r doc.Record) []byte {
	k := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(r.ID)), uint64(r.ReceivedAt.UnixNano()))
	return append(k, r.ID...)
}

// sumSize is how many bytes at the start of a row are its checksum: the file has none
// of its own, and a flipped bit in a name would be shown as the name.
const sumSize = crc32.Size

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func encodeRow(r doc.Record) ([]byte, error) {
	s := summarize(r)
	shown, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode row: %w", err)
	}
	b := make([]byte, sumSize, len(shown)+256)
	b = append(b, byte(slices.Index(doc.States, r.State)))
	for _, part := range []string{s.Type, s.Channel, string(shown)} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	b = append(b, searchText(r)...)
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[sumSize:], castagnoli))
	return b, nil
}

// row is an encoded row taken apart; its parts are the file's memory.
type row struct {
	state                        byte
	kind, channel, summary, text []byte
}

func decodeRow(b []byte) (row, error) {
	if len(b) <= sumSize {
		return row{}, fmt.Errorf("%w: empty row", ErrDamaged)
	}
	if sum := binary.BigEndian.Uint32(b); sum != crc32.Checksum(b[sumSize:], castagnoli) {
		return row{}, fmt.Errorf("%w: a row is not what was written", ErrDamaged)
	}
	b = b[sumSize:]
	r := row{state: b[0]}
	b = b[1:]
	for _, part := range []*[]byte{&r.kind, &r.channel, &r.summary} {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) {
			return row{}, fmt.Errorf("%w: short row", ErrDamaged)
		}
		*part, b = b[used:used+int(n)], b[used+int(n):]
	}
	r.text = b
	return r, nil
}

// filter is a doc.Query made ready to be compared with rows.
type filter struct {
	state         int // index in doc.States; -1: any
	kind, channel []byte
	words         [][]byte
	reviewed      bool
}

// reviewedMark is how a summary says that a person looked. It cannot stand in a
// name, where quotes are escaped.
var reviewedMark = []byte(`"reviewed":true`)

func newFilter(q doc.Query) filter {
	f := filter{state: -1, kind: []byte(q.Type), channel: []byte(q.Channel), reviewed: q.Reviewed}
	if q.State != "" {
		f.state = slices.Index(doc.States, q.State)
	}
	for _, w := range strings.Fields(strings.ToLower(q.Text)) {
		f.words = append(f.words, []byte(w))
	}
	// The longest word is the rarest: it rules out most rows at once.
	slices.SortFunc(f.words, func(a, b []byte) int { return len(b) - len(a) })
	return f
}

// counted says whether the counters know how many rows match.
func (f filter) counted() bool {
	return len(f.kind) == 0 && len(f.channel) == 0 && len(f.words) == 0 && !f.reviewed
}

func (f filter) matches(r row) bool {
	if f.state >= 0 && int(r.state) != f.state ||
		len(f.kind) > 0 && !bytes.Equal(f.kind, r.kind) ||
		len(f.channel) > 0 && !bytes.Equal(f.channel, r.channel) ||
		f.reviewed && !bytes.Contains(r.summary, reviewedMark) {
		return false
	}
	for _, w := range f.words {
		if !bytes.Contains(r.text, w) {
			return false
		}
	}
	return true
}

// searchText is name, ID and field values in lower case, a line each.
func searchText(r doc.Record) []byte {
	b := make([]byte, 0, 256)
	add := func(s string) {
		if s != "" && len(b) < maxText {
			b = append(append(b, strings.ToLower(s)...), '\n')
		}
	}
	add(r.Name)
	add(string(r.ID))
	var fields func([]doc.Field)
	fields = func(list []doc.Field) {
		for _, f := range list {
			add(f.Value)
			if f.Raw != f.Value {
				add(f.Raw)
			}
			for _, cells := range f.Rows {
				fields(cells)
			}
		}
	}
	if r.Result != nil {
		fields(r.Result.Fields)
	}
	return b[:min(len(b), maxText)]
}

func summarize(r doc.Record) doc.Summary {
	s := doc.Summary{
		ID: r.ID, Name: r.Name, State: r.State, Type: r.Type, Channel: r.Channel, Size: r.Size,
		ReceivedAt: r.ReceivedAt, UpdatedAt: r.UpdatedAt, Revision: r.Revision,
		Reviewed: r.Review != nil,
	}
	if r.Reason != nil {
		s.Reason = r.Reason.Message
	}
	if r.Result != nil {
		s.Type, s.Pages = r.Result.Type, r.Result.Pages
		s.Headline, s.Lowest = headline(r.Result.Fields), lowest(r.Result.Fields)
	}
	return s
}

// headline is what a person knows the document by: who, and how much or which.
func headline(fields []doc.Field) string {
	var who, amount, which string
	var names string // the field that says who
	for _, f := range fields {
		if f.Value == "" {
			continue
		}
		switch {
		case f.Type == doc.Name && who == "":
			who, names = f.Value, f.Name
		case f.Type == doc.Name && f.Name == names: // the other parties of a contract
			who += ", " + f.Value
		case f.Type == doc.Money && (amount == "" || isTotal(f.Name)):
			amount = strings.TrimSpace(f.Value + " " + f.Currency)
		case f.Type == doc.Identifier && which == "":
			which = f.Value
		}
	}
	if amount == "" {
		amount = which
	}
	return strings.Trim(who+" · "+amount, " ·")
}

func isTotal(name string) bool {
	return slices.Contains([]string{"total", "gross", "gross_total", "amount_due", "grand_total"}, name)
}

func lowest(fields []doc.Field) float64 {
	low := 1.0
	found := false
	for _, f := range fields {
		if f.Value != "" || len(f.Rows) > 0 {
			low, found = min(low, f.Confidence), true
		}
	}
	if !found {
		return 0
	}
	return low
}
