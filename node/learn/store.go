package learn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// Sections of the control state. What is large lies in the object store: a model
// under models/<type>/<sha256>.model, the documents it was trained on beside it.
const (
	kindModel  = "model"        // <type>/<sha256>: entry
	KindChoice = "model_choice" // <type>: choice; who watches it calls TakeUp
	kindTarget = "target"       // <type>: doc.Targets
)

// keptAside is how many models of a type are kept beside the live and the
// previous one.
const keptAside = 5

// entry is what the registry knows of a model beside its file.
type entry struct {
	doc.ModelInfo
	Set  string   `json:"set"`            // digest of the lessons it was made from
	Gone []string `json:"gone,omitempty"` // documents it was trained on that are erased
}

// choice is which model is live; "" is the shipped one.
type choice struct {
	Live     string    `json:"live"`
	Previous string    `json:"previous"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	Why      string    `json:"why"`
}

// bare gives the hexadecimal digits of a model's digest.
func bare(digest string) string {
	if _, hex, ok := strings.Cut(digest, "@sha256:"); ok {
		return hex
	}
	return digest
}

// A model is named by what it says, which need not be the digest of its bytes:
// hence the extension, for a bare digest would promise that. Earlier versions stored
// models under one.
func modelKey(typeName, hex string) string     { return earlierKey(typeName, hex) + ".model" }
func earlierKey(typeName, hex string) string   { return "models/" + typeName + "/" + hex }
func documentsKey(typeName, hex string) string { return earlierKey(typeName, hex) + ".documents.json" }

// entries gives the models of a type that were made here, newest first.
func (l *Learner) entries(typeName string) []entry {
	var out []entry
	for key, raw := range l.cfg.State.List(kindModel) {
		if !strings.HasPrefix(key, typeName+"/") {
			continue
		}
		var e entry
		if err := json.Unmarshal(raw, &e); err != nil {
			l.log.Error("a model's entry cannot be read and is left out", "key", key, "error", err)
			continue
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b entry) int { return b.MadeAt.Compare(a.MadeAt) })
	return out
}

func (l *Learner) chosen(typeName string) choice {
	var c choice
	raw, _, ok := l.cfg.State.Get(KindChoice, typeName)
	if ok && json.Unmarshal(raw, &c) != nil {
		l.log.Error("the choice of a model cannot be read: the shipped one is used", "type", typeName)
	}
	return c
}

func (l *Learner) write(ctx context.Context, kind, key string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", kind, err)
	}
	_, version, _ := l.cfg.State.Get(kind, key)
	return l.cfg.State.Put(ctx, kind, key, raw, version)
}

// keep stores a model with its entry and the documents it was trained on.
func (l *Learner) keep(ctx context.Context, m *fields.Model, e entry, documents []string) error {
	hex := bare(m.Digest())
	body, err := m.Encode()
	if err != nil {
		return err
	}
	list, err := json.Marshal(documents)
	if err != nil {
		return fmt.Errorf("keep model: %w", err)
	}
	err = errors.Join(l.cfg.Objects.Put(ctx, modelKey(m.Type, hex), body), l.cfg.Objects.Put(ctx, documentsKey(m.Type, hex), list))
	if err == nil {
		err = l.write(ctx, kindModel, m.Type+"/"+hex, e)
	}
	if err != nil {
		return fmt.Errorf("keep model: %w", err)
	}
	return nil
}

// fetch reads a model of a type: Invalid when its file is cut, of another version
// or another model, NotFound when there is none.
func (l *Learner) fetch(ctx context.Context, typeName, hex string) (*fields.Model, error) {
	body, err := l.cfg.Objects.Get(ctx, modelKey(typeName, hex))
	if doc.CodeOf(err) == doc.NotFound {
		body, err = l.cfg.Objects.Get(ctx, earlierKey(typeName, hex))
	}
	if doc.DetailOf(err) == doc.DetailDamaged { // seen by the store, and nobody has a good copy
		return nil, doc.Errorf(doc.Invalid, "the file of model %s is cut or damaged: it cannot be used", short(hex))
	}
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", short(hex), err)
	}
	m, err := fields.DecodeModel(body)
	if err != nil {
		return nil, err
	}
	if bare(m.Digest()) != hex || m.Type != typeName {
		return nil, doc.Errorf(doc.Invalid, "the file of model %s for %s holds another one: it is damaged", short(hex), typeName)
	}
	return m, nil
}

func short(hex string) string { return hex[:min(8, len(hex))] }

// prune drops the oldest models beyond those that are kept.
func (l *Learner) prune(ctx context.Context, typeName string) {
	c, aside := l.chosen(typeName), 0
	for _, e := range l.entries(typeName) {
		hex := bare(e.Digest)
		if hex == c.Live || hex == c.Previous {
			continue
		}
		if aside++; aside <= keptAside {
			continue
		}
		err := errors.Join(l.cfg.State.Delete(ctx, kindModel, typeName+"/"+hex),
			l.cfg.Objects.Delete(ctx, modelKey(typeName, hex)), l.cfg.Objects.Delete(ctx, earlierKey(typeName, hex)), l.cfg.Objects.Delete(ctx, documentsKey(typeName, hex)))
		if err != nil {
			l.log.Warn("an old model was not removed", "type", typeName, "error", err)
		}
	}
}

// trainedOn gives the documents that a model was trained on.
func (l *Learner) trainedOn(ctx context.Context, typeName, hex string) ([]string, error) {
	raw, err := l.cfg.Objects.Get(ctx, documentsKey(typeName, hex))
	if err != nil {
		return nil, err
	}
	var out []string
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("documents of model %s: %w", short(hex), err)
	}
	return out, nil
}

// markErased notes on all models of a type that were trained on a document that
// it is erased.
func (l *Learner) markErased(ctx context.Context, typeName string, id doc.ID) error {
	var errs []error
	for _, e := range l.entries(typeName) {
		hex := bare(e.Digest)
		documents, err := l.trainedOn(ctx, typeName, hex)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !slices.Contains(documents, string(id)) || slices.Contains(e.Gone, string(id)) {
			continue
		}
		e.Gone = append(e.Gone, string(id))
		e.Erased = len(e.Gone)
		errs = append(errs, l.write(ctx, kindModel, typeName+"/"+hex, e))
	}
	return errors.Join(errs...)
}

// find gives the model that name means: "" for the shipped one, else its digits.
func (l *Learner) find(typeName, name string) (hex string, err error) {
	if name == doc.AsShipped {
		return "", nil
	}
	want := bare(name)
	var found []string
	for _, e := range l.entries(typeName) {
		if strings.HasPrefix(bare(e.Digest), want) {
			found = append(found, bare(e.Digest))
		}
	}
	if m := l.cfg.Shipped[typeName]; m != nil && strings.HasPrefix(bare(m.Digest()), want) {
		found = append(found, "")
	}
	switch {
	case want == "" || len(found) == 0:
		return "", doc.Errorf(doc.NotFound, "there is no model %q of type %s", name, typeName)
	case len(found) > 1:
		return "", doc.Errorf(doc.Invalid, "%q may be one of %d models of type %s: give more digits", name, len(found), typeName)
	}
	return found[0], nil
}
