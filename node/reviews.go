package node

import (
	"context"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
	"github.com/recto-edge/recto/node/learn"
)

// reviews is the way of the API to what people say about documents.
type reviews struct{ n *Node }

func (r reviews) Review(ctx context.Context, id doc.ID, c doc.Correction, by string) (doc.Record, error) {
	n := r.n
	now, err := documents(r).Get(ctx, id)
	if err != nil {
		return doc.Record{}, err
	}
	if c.Revision != 0 && c.Revision != now.Revision {
		return doc.Record{}, doc.Errorf(doc.Conflict, "document %s is at revision %d by now, made by %s: somebody was faster; look again", id, now.Revision, now.By)
	}
	if now.Result == nil {
		return doc.Record{}, doc.Errorf(doc.Conflict, "document %s is %s: it can be reviewed once it has been read", id, now.State)
	}
	t, err := n.reviewedType(ctx, now, c.Type)
	if err != nil {
		return doc.Record{}, err
	}
	reading, err := n.pagesOf(ctx, now)
	if err != nil && doc.DetailOf(err) != doc.DetailPassword { // encrypted, and the password is forgotten by now: no place is known
		return doc.Record{}, err
	}
	if t.Name != now.Result.Type {
		if now, err = n.readAs(ctx, now, t.Name); err != nil {
			return doc.Record{}, err
		}
		c.Approve = false // nobody has seen yet what that type reads
	}
	next, err := learn.Correct(now, t, reading, c, by, time.Now().UTC())
	if err != nil {
		return doc.Record{}, err
	}
	n.reviewing.Store(id, true)
	defer n.reviewing.Delete(id)
	seq, err := n.appendSeq(ctx, next)
	if err != nil {
		return doc.Record{}, err
	}
	// First the index: who compares it with what was learned must not miss this.
	err = n.db.Index().Wait(ctx, seq)
	n.learner.Reviewed(context.WithoutCancel(ctx), now, next, t, reading)
	return next, err
}

// reviewedType gives the type that a reviewer says the document has.
func (n *Node) reviewedType(ctx context.Context, r doc.Record, name string) (doc.Type, error) {
	if name == "" {
		name = r.Result.Type
	}
	t, err := n.types.Get(ctx, name)
	if err != nil {
		return t, &doc.Error{Code: doc.Invalid, Detail: doc.DetailUnknownType, Message: err.Error()}
	}
	return t, nil
}

// readAs gives a record as it would be, had the document been read as another type.
func (n *Node) readAs(ctx context.Context, r doc.Record, name string) (doc.Record, error) {
	r.Type = name
	in, done, err := n.input(ctx, r)
	if err != nil {
		return r, err
	}
	defer done()
	out, err := n.reading.read(ctx, in)
	if err != nil {
		return r, err
	}
	r.Result = &out.Result
	return r, nil
}

// keepWord puts what a person said over what was read again as the same type: a
// machine does not overrule a person.
func (n *Node) keepWord(ctx context.Context, before doc.Record, next *doc.Record) {
	if before.Review == nil || next.Result == nil || before.Review.Type != next.Result.Type {
		return
	}
	t, err := n.types.Get(ctx, next.Result.Type)
	if err != nil {
		return // the type is gone: what was read stands
	}
	reading, _ := n.pagesOf(ctx, *next) // without it values have no place
	var tables []doc.Field
	if before.Result != nil {
		tables = before.Result.Fields
	}
	learn.Keep(next, t, reading, tables)
}

// mostCompared bounds how many models one question may name.
const mostCompared = 8

// Compare reads a document with each of models and keeps nothing of it. Vendor
// memory is left out: it may hold this very document.
func (r reviews) Compare(ctx context.Context, id doc.ID, names []string) (doc.Comparison, error) {
	n := r.n
	now, err := documents(r).Get(ctx, id)
	if err != nil {
		return doc.Comparison{}, err
	}
	if now.Result == nil {
		return doc.Comparison{}, doc.Errorf(doc.Conflict, "document %s has not been read yet (%s)", id, now.State)
	}
	if len(names) == 0 || len(names) > mostCompared {
		return doc.Comparison{}, doc.Errorf(doc.Invalid, "name 1 to %d models", mostCompared)
	}
	out := doc.Comparison{ID: id, Type: now.Result.Type, Fields: []doc.ComparedField{}}
	now.Type, now.Model = out.Type, ""
	reading, err := n.pagesOf(ctx, now)
	if err != nil {
		return out, err
	}
	in, done, err := n.input(ctx, now)
	if err != nil {
		return out, err
	}
	defer done()
	in.Reading = &reading
	var results []doc.Result
	for _, name := range names {
		k, err := n.learner.With(ctx, out.Type, name, false)
		if err != nil {
			return out, err
		}
		in.Knowledge = map[string]fields.Knowledge{out.Type: k}
		got, err := n.reading.Read(ctx, in)
		if err != nil {
			return out, err
		}
		results = append(results, got.Result)
		out.Models = append(out.Models, learn.Named(k))
	}
	out.Fields = compared(results, now.Review)
	return out, nil
}

// compared sets what several models read side by side, field by field.
func compared(results []doc.Result, review *doc.Review) []doc.ComparedField {
	out := []doc.ComparedField{}
	at := map[string]int{}
	for i, r := range results {
		for _, f := range r.Fields {
			if f.Type == doc.Table {
				continue
			}
			k, ok := at[f.Name]
			if !ok {
				k = len(out)
				at[f.Name] = k
				out = append(out, doc.ComparedField{Name: f.Name, Values: make([]doc.Answer, len(results))})
				if label, ok := labelOf(review, r.Type, f.Name); ok {
					out[k].Label = &label
				}
			}
			a := doc.Answer{Value: f.Value, Confidence: f.Confidence, Accepted: f.Accepted}
			if before := out[k].Values[i]; before.Value != "" { // another value of a repeated field
				a = doc.Answer{Value: doc.JoinValues([]string{before.Value, a.Value}), Confidence: min(before.Confidence, a.Confidence), Accepted: before.Accepted && a.Accepted}
			}
			out[k].Values[i] = a
		}
	}
	return out
}

func labelOf(review *doc.Review, typeName, field string) (string, bool) {
	if review == nil || review.Type != typeName {
		return "", false
	}
	label, ok := review.Labels[field]
	return label, ok
}

// withModel gives a record that is to be read with a model: "" for the live one.
// A model reads one type, so the document is read as that.
func (n *Node) withModel(ctx context.Context, r doc.Record, model string) (doc.Record, error) {
	r.Model = model
	if model == "" || model == doc.AsLive {
		r.Model = ""
		return r, nil
	}
	if r.Type == "" && r.Result != nil {
		r.Type = r.Result.Type
	}
	if r.Type == "" {
		return r, doc.Errorf(doc.Invalid, "a model reads one type of documents: say which type this one is")
	}
	_, err := n.learner.With(ctx, r.Type, model, true)
	return r, err
}
