package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
	"github.com/recto-edge/recto/node/extract/types"
	"github.com/recto-edge/recto/node/learn"
)

// partLearning is what was learned on this site, as readiness and status name it.
// It never keeps a node from being ready: what ships reads too.
const partLearning = "learning"

// loadPatience bounds what the start waits for models and memory: a store that is
// away is asked again in the background.
const loadPatience = 5 * time.Second

// prepareLearning takes up what was learned, before documents are read or the API
// asks for it.
func (n *Node) prepareLearning(ctx context.Context) error {
	shipped := map[string]*fields.Model{}
	for name, b := range types.Models() {
		m, err := fields.DecodeModel(b)
		if err != nil {
			return fmt.Errorf("the shipped model for %s: %w", name, err)
		}
		shipped[name] = m
	}
	n.learner = learn.New(learn.Config{
		State: n.types.state, Objects: learned{n.store, n.local}, Documents: reviewed{n}, Shipped: shipped,
		Usual: doc.Target{Precision: defaultTarget.Precision, Delta: defaultTarget.Delta, MinGroups: defaultTarget.MinGroups, Apart: defaultTarget.Apart},
		After: n.cfg.Learn.After, Quiet: n.cfg.Learn.Quiet,
		Changed: n.sayLearning, Turn: n.onDuty, Logger: n.log.With("component", "learning"),
	})
	ctx, cancel := context.WithTimeout(ctx, loadPatience)
	defer cancel()
	n.learner.Load(ctx)
	return nil
}

// startLearning begins to learn, once the index knows the reviews.
func (n *Node) startLearning(context.Context) error {
	n.learner.Start()
	watch := newCrew()
	watch.run(n.followChoices)
	n.onStop(partLearning, func(context.Context) error { watch.stop(); return n.learner.Close() })
	return nil
}

// followChoices takes up a model that another member made the live one.
func (n *Node) followChoices(ctx context.Context) {
	changed, cancel := n.control.Watch(learn.KindChoice)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			n.learner.TakeUp(ctx)
		}
	}
}

// sayLearning shows in the status when a chosen model cannot be used.
func (n *Node) sayLearning() {
	n.parts.set(partLearning, partOK, strings.Join(n.learner.Trouble(), "; "))
}

// knowledge gives what a document is read with: what is live, or the model that
// was asked for when it was to be read again.
func (n *Node) knowledge(ctx context.Context, r doc.Record) (map[string]fields.Knowledge, error) {
	known := n.learner.Knowledge()
	if r.Model == "" || r.Type == "" {
		return known, nil
	}
	k, err := n.learner.With(ctx, r.Type, r.Model, true)
	if err != nil {
		return nil, err
	}
	known[r.Type] = k
	return known, nil
}

// learned is the blob store as learning sees it. Vendor memory stays on this
// machine: each member makes its own from the reviews.
type learned struct {
	shared blob.Store
	local  blob.Store
}

func (s learned) of(key string) blob.Store {
	if strings.HasPrefix(key, memoryPrefix) {
		return s.local
	}
	return s.shared
}

const memoryPrefix = "memory/"

// Delete removes an object.
func (s learned) Delete(ctx context.Context, key string) error { return s.of(key).Delete(ctx, key) }

// maxLearned bounds a model or a memory, in bytes.
const maxLearned = 256 << 20

// Put keeps an object.
func (s learned) Put(ctx context.Context, key string, body []byte) error {
	return s.of(key).Put(ctx, key, bytes.NewReader(body), int64(len(body)))
}

// Get gives an object.
func (s learned) Get(ctx context.Context, key string) ([]byte, error) {
	return blob.ReadAll(ctx, s.of(key), key, maxLearned)
}

// Keys gives the keys that start with prefix, in order.
func (s learned) Keys(ctx context.Context, prefix string) ([]string, error) {
	var out []string
	err := s.of(prefix).List(ctx, prefix, "", func(i blob.Info) error {
		out = append(out, i.Key)
		return nil
	})
	return out, err
}

// reviewed is the way of learning to documents.
type reviewed struct{ n *Node }

// Reviewed calls fn with every document that a person has looked at, newest first.
func (r reviewed) Reviewed(ctx context.Context, fn func(doc.Record) error) error {
	q := doc.Query{Reviewed: true, Limit: 500}
	for {
		list, err := r.n.db.Index().List(q)
		if err != nil {
			return err
		}
		for _, s := range list.Documents {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			rec, ok := r.n.db.Index().Get(s.ID)
			if !ok {
				continue // erased meanwhile
			}
			if err := fn(rec); err != nil {
				return err
			}
		}
		if q.Cursor = list.Next; q.Cursor == "" {
			return nil
		}
	}
}

// Reading gives the words of a document.
func (r reviewed) Reading(ctx context.Context, rec doc.Record) (doc.Reading, error) {
	return r.n.pagesOf(ctx, rec)
}

// Known gives the newest revision of a document.
func (r reviewed) Known(id doc.ID) (doc.Record, bool) { return r.n.db.Index().Get(id) }

// Type gives a document type.
func (r reviewed) Type(ctx context.Context, name string) (doc.Type, error) {
	return r.n.types.Get(ctx, name)
}

// Waiting counts documents that wait to be read or are being read.
func (r reviewed) Waiting() int {
	o, err := r.n.db.Index().Overview(time.Now().UTC())
	if err != nil {
		return 0
	}
	return o.ByState[doc.StateQueued] + o.ByState[doc.StateReading]
}

// models is the way of the API to what was learned.
type models struct{ n *Node }

// trainQuestion asks the member whose duty training is how a type's training
// goes, or, with Train, for one.
type trainQuestion struct {
	Type  string `json:"type"`
	Train bool   `json:"train"`
}

// maxModels bounds the list of a type's models, in bytes.
const maxModels = 4 << 20

func (m models) Models(ctx context.Context, name string) (doc.ModelList, error) {
	return m.atTrainer(ctx, trainQuestion{Type: name})
}

func (m models) Train(ctx context.Context, name, _ string) (doc.ModelList, error) {
	return m.atTrainer(ctx, trainQuestion{Type: name, Train: true})
}

// atTrainer asks the member whose duty training is. When it does not answer, what
// this member knows of its models is still right.
func (m models) atTrainer(ctx context.Context, q trainQuestion) (doc.ModelList, error) {
	n := m.n
	if _, err := n.types.Get(ctx, q.Type); err != nil {
		return doc.ModelList{}, err
	}
	leader := n.control.Status().Leader
	if leader == "" || leader == n.id.Node {
		return m.here(ctx, q)
	}
	var out doc.ModelList
	err := n.postTo(ctx, leader, "/train", q, maxModels, &out)
	if err != nil && !q.Train {
		return m.here(ctx, q)
	}
	return out, err
}

func (m models) here(ctx context.Context, q trainQuestion) (doc.ModelList, error) {
	t, err := m.n.types.Get(ctx, q.Type)
	if err != nil {
		return doc.ModelList{}, err
	}
	ask := m.n.learner.Models
	if q.Train {
		ask = m.n.learner.Train
	}
	out, err := ask(ctx, q.Type)
	out.Labels = m.n.learner.Knowledge()[q.Type].Labels(t)
	return out, err
}

func (n *Node) serveTrain(w http.ResponseWriter, r *http.Request) {
	var q trainQuestion
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&q); err != nil {
		writeFailure(w, doc.Errorf(doc.Invalid, "not a question about training"))
		return
	}
	list, err := models{n}.here(r.Context(), q)
	if err != nil {
		writeFailure(w, err)
		return
	}
	writeAnswer(w, list)
}

func (m models) Activate(ctx context.Context, name, model, by string) (doc.ModelList, error) {
	if _, err := m.n.types.Get(ctx, name); err != nil {
		return doc.ModelList{}, err
	}
	return m.n.learner.Activate(ctx, name, model, by)
}

func (m models) Targets(ctx context.Context, name string) (doc.TargetReport, error) {
	t, err := m.n.types.Get(ctx, name)
	if err != nil {
		return doc.TargetReport{}, err
	}
	return m.n.learner.Targets(ctx, t)
}

func (m models) PutTargets(ctx context.Context, name string, targets doc.Targets, _ string) (doc.TargetReport, error) {
	t, err := m.n.types.Get(ctx, name)
	if err != nil {
		return doc.TargetReport{}, err
	}
	return m.n.learner.PutTargets(ctx, t, targets)
}
