package fields

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/learn"
	"github.com/recto-edge/recto/node/extract/trust"
)

// modelFormat is the version of the file a Model is kept in.
const modelFormat = 1

// Model is what was learned about one document type from documents whose fields
// are known: which candidates are right, and how often such a choice is. It is
// made by Learn or DecodeModel, never changed, and safe for concurrent use.
type Model struct {
	Format  int    `json:"format"`
	Type    string `json:"type"`
	Columns string `json:"columns"` // digest of the columns it was trained on

	// Scorers judge candidates, by field name. A field without one is left to the rules.
	Scorers map[string]*Scorer `json:"scorers"`
	// Wording is what the documents that trained it say of labels, for the fields of its scorers.
	Wording Wording `json:"wording,omitempty"`
	// Recall judges candidates of which the vendor is known, by what is remembered.
	Recall *learn.Forest `json:"recall,omitempty"`
	// Sure judges the chosen value: is it right?
	Sure *learn.Forest `json:"sure,omitempty"`
	// Rates is how often each field was right on held-back documents.
	Rates map[string]float64 `json:"rates,omitempty"`
	// Held is what was predicted on documents whose vendor was held back from
	// training, and HeldKnown on documents whose vendor was not, by memory of it
	// (the group is the document); confidence and acceptance are derived from them.
	Held      []trust.Sample `json:"held,omitempty"`
	HeldKnown []trust.Sample `json:"held_known,omitempty"`

	Card Card `json:"card"`

	stranger, known scale
	digest          string
}

// Scorer judges the candidates of one field.
type Scorer struct {
	Trees *learn.Forest `json:"trees"`
	Words *WordTable    `json:"words"`
	// Base is the scorer that this one corrects; nil: the rules.
	Base *Scorer `json:"base,omitempty"`
}

// logOdds judges a candidate by its view, the words around it and what the rules
// say of it.
func (s *Scorer) logOdds(view []float32, words []uint32, rule float64) float64 {
	before := s.Base.before(view, words, rule)
	x := slices.Clone(view)
	v := wordView(words, s.Words.says)
	copy(x[wordColumn:], v[:])
	return s.Trees.LogOdds(x, before)
}

// before is what is believed of a candidate before something new is learned.
func (s *Scorer) before(view []float32, words []uint32, rule float64) float64 {
	if s == nil {
		return prior(rule)
	}
	return s.logOdds(view, words, rule)
}

// within gives the scorer if it stands on fewer than n others, else nothing to
// stand on: an endless row of corrections would only grow.
func (s *Scorer) within(n int) *Scorer {
	for x := s; x != nil; x = x.Base {
		if n--; n < 0 {
			return nil
		}
	}
	return s
}

// maxBases bounds how many scorers stand on each other.
const maxBases = 4

// check says what is wrong with a scorer that was read from somewhere.
func (s *Scorer) check(depth int) error {
	switch {
	case s == nil || s.Trees == nil || s.Words == nil || s.Trees.Columns != len(viewColumns)+len(spanColumns) || len(s.Words.Words) != len(s.Words.Says):
		return errors.New("it does not fit")
	case depth > maxBases:
		return errors.New("it stands on too many others")
	case s.Base != nil:
		if err := s.Base.check(depth + 1); err != nil {
			return err
		}
	}
	return s.Trees.Check()
}

// Card says where a model comes from.
type Card struct {
	Documents int            `json:"documents"`
	Vendors   int            `json:"vendors"`
	Labels    map[string]int `json:"labels"` // by field: how many documents had a value
	Sources   []string       `json:"sources,omitempty"`
	Licences  []string       `json:"licences,omitempty"`
	Base      string         `json:"base,omitempty"` // digest of the model it grew from
	// MadeAt is not in the file: the same lessons give the same bytes, and the same name,
	// whenever they are learned from. It is zero in a model that was read from a file.
	MadeAt time.Time `json:"-"`
}

// columnsDigest names the columns that models see today.
func columnsDigest() string {
	sum := sha256.Sum256([]byte(strings.Join(slices.Concat(viewColumns, spanColumns, sureColumns, recallColumns), "\n")))
	return hex.EncodeToString(sum[:6])
}

// Encode gives the file of m. The same model gives the same bytes.
func (m *Model) Encode() ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("encode model: %w", err)
	}
	if err := json.NewEncoder(z).Encode(m); err != nil {
		return nil, fmt.Errorf("encode model: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("encode model: %w", err)
	}
	return b.Bytes(), nil
}

// maxModel bounds a model file, in bytes uncompressed.
const maxModel = 64 << 20

// DecodeModel reads the file of a model. Errors are of code Invalid: the file is
// cut, is no model, or is of another version of Recto.
func DecodeModel(b []byte) (*Model, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, doc.Errorf(doc.Invalid, "this is no model file: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(z, maxModel+1))
	if err != nil {
		return nil, doc.Errorf(doc.Invalid, "the model file is cut or damaged: %w", err)
	}
	if len(raw) > maxModel {
		return nil, doc.Errorf(doc.Invalid, "the model file is larger than any model")
	}
	m := &Model{}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, doc.Errorf(doc.Invalid, "the model file is damaged: %w", err)
	}
	if m.Format != modelFormat || m.Columns != columnsDigest() {
		return nil, doc.Errorf(doc.Invalid, "the model for %s was made by another version of Recto; train it again", m.Type)
	}
	for name, f := range m.Scorers {
		if err := f.check(1); err != nil {
			return nil, doc.Errorf(doc.Invalid, "the model's scorer of %s is damaged: %w", name, err)
		}
	}
	if m.Sure != nil {
		if err := m.Sure.Check(); err != nil || m.Sure.Columns != len(sureColumns) {
			return nil, doc.Errorf(doc.Invalid, "the model's judge of confidence is damaged: %w", err)
		}
	}
	if m.Recall != nil {
		if err := m.Recall.Check(); err != nil || m.Recall.Columns != len(recallColumns) {
			return nil, doc.Errorf(doc.Invalid, "the model's judge of memory is damaged: %w", err)
		}
	}
	return m, m.finish(b)
}

// finish derives what is not kept.
func (m *Model) finish(encoded []byte) error {
	sum := sha256.Sum256(encoded)
	m.digest = "fields-" + m.Type + "@sha256:" + hex.EncodeToString(sum[:])
	var err error
	if m.stranger, err = newScale(m.Held); err != nil {
		return err
	}
	m.known, err = newScale(m.HeldKnown)
	return err
}

// scale turns raw scores into probabilities.
type scale struct {
	trust.Calibration
	samples []trust.Sample // with probabilities, each fitted without its own group
}

func newScale(held []trust.Sample) (scale, error) {
	if len(held) == 0 {
		return scale{}, nil
	}
	c, err := trust.Fit(held)
	if err != nil {
		return scale{}, doc.Errorf(doc.Invalid, "the model's held-back predictions cannot be used: %w", err)
	}
	crossed, err := trust.Cross(held, crossParts)
	if err != nil {
		crossed = nil // fewer groups than parts: nothing can be promised yet
	}
	return scale{c, crossed}, nil
}

// crossParts is into how many parts held-back predictions are dealt for calibration.
const crossParts = 5

// Digest names the model: fields-<type>@sha256:<hexadecimal>.
func (m *Model) Digest() string { return m.digest }

// byScorer is the method of what something learned has chosen.
const byScorer = "scorer"

// rescore gives the candidates of field i scores, 0..1, by what was learned and
// what is remembered of their vendor, best first. A nil model and a nil vendor
// leave them as the rules have them.
func (m *Model) rescore(r *reader, i int, vendor *Acquaintance) []scored {
	list := m.judged(r, i)
	if name := r.fields[i].Name; m == nil && !vendor.misled(name) { // the rules alone: what they think nothing of is none
		list = slices.DeleteFunc(list, func(c scored) bool { return c.score <= 0 })
		if vendor == nil {
			return list
		}
	}
	if len(list) == 0 || m.scorer(r.fields[i].Name) == nil && vendor == nil {
		return list
	}
	if m != nil || !vendor.leaves(r.fields[i]) {
		list = vendor.recall(r, i, list, m.recallers())
	}
	slices.SortStableFunc(list, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	if r.fields[i].Hint == "largest" && !vendor.exact(r.fields[i].Name) {
		r.preferRounded(list)
	}
	list[0].score = max(list[0].score, list[0].unaided) // memory orders, and takes no answer away
	return list
}

// judged gives the candidates of field i with scores by what was learned, as the
// rules have them in order.
func (m *Model) judged(r *reader, i int) []scored {
	list := slices.Clone(r.offered(i).list)
	for k := range list {
		list[k].rule = list[k].score
	}
	if f := m.scorer(r.fields[i].Name); f != nil && len(list) > 0 {
		o := r.seen(i)
		for k, x := range o.views {
			list[k].score = learn.Sigmoid(f.logOdds(x, o.words[k], list[k].rule))
			list[k].method = byScorer
		}
	}
	return list
}

// recallers is what learned how much memory of a vendor says; nil: nothing did.
func (m *Model) recallers() *learn.Forest {
	if m == nil {
		return nil
	}
	return m.Recall
}

func (m *Model) scorer(field string) *Scorer {
	if m == nil {
		return nil
	}
	return m.Scorers[field]
}

// prior is what the rules' score says before anything is learned, as log odds.
func prior(rule float64) float64 { return learn.Logit(0.02 + 0.9*clamp(rule)) }

// fullViews gives the columns of views and of spans.
func (r *reader) fullViews(i int, list []scored) [][]float32 {
	out := r.views(i, list)
	top := r.fields[i].Type == doc.Name || r.fields[i].Type == doc.Address
	for k := range out {
		if top {
			out[k] = append(out[k], r.spanView(&list[k])...)
			continue
		}
		for range spanColumns {
			out[k] = append(out[k], nan)
		}
	}
	return out
}
