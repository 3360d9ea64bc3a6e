// Package learn owns what a site teaches Recto: corrections and approvals, the
// training set that follows from them, the vendor memory, the training of models
// in the background, which model is live, and the targets of acceptance.
//
// The truth is the reviews, which are part of documents' records. Everything else
// here can be made again from them. It guarantees that a model goes live only when
// held-back predictions show that it reads this site's documents better, that a
// model which cannot be read never takes the place of one that can, that an error
// while learning leaves the live model as it is, and that an erased document is
// learned from no more. It never reads a document itself, and never logs content.
package learn

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// State is the replicated control state.
type State interface {
	Get(kind, key string) (value []byte, version uint64, ok bool)
	List(kind string) map[string][]byte
	Put(ctx context.Context, kind, key string, value []byte, expect uint64) error
	Delete(ctx context.Context, kind, key string) error
}

// Objects is the store of immutable objects.
type Objects interface {
	Put(ctx context.Context, key string, body []byte) error
	Get(ctx context.Context, key string) ([]byte, error)
	Delete(ctx context.Context, key string) error
	Keys(ctx context.Context, prefix string) ([]string, error) // in order
}

// Documents is the way to reviewed documents.
type Documents interface {
	// Reviewed calls fn with the newest revision of every document that a person
	// has looked at, the newest document first.
	Reviewed(ctx context.Context, fn func(doc.Record) error) error
	// Reading gives the words of a document, reading it again if need be.
	Reading(ctx context.Context, r doc.Record) (doc.Reading, error)
	Known(id doc.ID) (doc.Record, bool)
	Type(ctx context.Context, name string) (doc.Type, error)
	// Waiting counts documents that wait to be read or are being read.
	Waiting() int
}

// Config is what a Learner works with.
type Config struct {
	State     State
	Objects   Objects
	Documents Documents
	Shipped   map[string]*fields.Model // by type name
	Usual     doc.Target               // asked of a type for which nobody asked anything
	After     int                      // reviews of a type after which it is trained; 0: 5
	Quiet     time.Duration            // after the first review of fewer; 0: 10 min
	Patience  time.Duration            // for documents that wait to be read to leave time; 0: 10 min
	Changed   func()                   // told when what Trouble says may have changed; may be nil
	// Turn says whether training is this member's duty now. The context it gives
	// ends when that is over, and what is written under it is refused then; done is
	// called after the training. nil: it always is.
	Turn   func(context.Context) (duty context.Context, done func(), yes bool)
	Logger *slog.Logger // nil: silent
}

// Learner is what this node has learned, and the one goroutine that learns more.
// Its methods may be called from any goroutine.
type Learner struct {
	cfg Config
	log *slog.Logger

	mu      sync.Mutex
	shelves map[string]*shelf // by type name
	caught  bool              // the reviews there were at the start are known

	writing   sync.Mutex // one change of models and targets at a time
	recalling sync.Mutex // one change of memory at a time; taken before mu
	wake      chan struct{}
	cancel    context.CancelFunc
	done      sync.WaitGroup
}

// shelf is what is known about one type. Guarded by Learner.mu; what its pointers
// point to is never changed.
type shelf struct {
	retry    bool          // the store was away when it was to be loaded
	live     *fields.Model // nil: the rules
	warning  string
	memory   *remembered
	verdicts map[doc.ID][]verdict
	known    fields.Knowledge // of all this

	training doc.Training
	leftOut  int       // documents of the training under way that cannot be read
	first    time.Time // of the reviews since the last training
	asked    bool      // a training is asked for
	stale    bool      // memory has to be compared with the reviews
}

// New makes a Learner that knows what ships.
func New(cfg Config) *Learner {
	if cfg.After <= 0 {
		cfg.After = 5
	}
	if cfg.Quiet <= 0 {
		cfg.Quiet = 10 * time.Minute
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 10 * time.Minute
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Changed == nil {
		cfg.Changed = func() {}
	}
	if cfg.Turn == nil {
		cfg.Turn = func(ctx context.Context) (context.Context, func(), bool) { return ctx, func() {}, true }
	}
	return &Learner{cfg: cfg, log: cfg.Logger, shelves: map[string]*shelf{}, wake: make(chan struct{}, 1)}
}

// Load takes up what was learned before: models and memory of all types. A model
// that cannot be read is replaced by the shipped one, and Trouble says so.
func (l *Learner) Load(ctx context.Context) {
	names := map[string]bool{}
	for name := range l.cfg.Shipped {
		names[name] = true
	}
	for name := range l.cfg.State.List(KindChoice) {
		names[name] = true
	}
	for _, name := range l.rememberedTypes(ctx) {
		names[name] = true
	}
	for _, name := range sortedNames(names) {
		l.load(ctx, name)
	}
	l.cfg.Changed()
	l.nudge()
}

// load takes up one type.
func (l *Learner) load(ctx context.Context, name string) {
	live, warning, retry := l.cfg.Shipped[name], "", false
	c := l.chosen(name)
	if c.Live != "" {
		m, err := l.fetch(ctx, name, c.Live)
		retry = doc.CodeOf(err) == doc.Unavailable
		if err != nil {
			warning = "the live model " + short(c.Live) + " cannot be used, the shipped one reads instead: " + err.Error()
			l.log.Error("the live model cannot be used, the shipped one reads instead", "type", name, "model", short(c.Live), "error", err)
		} else {
			live = m
		}
	}
	l.recalling.Lock()
	defer l.recalling.Unlock()
	memory := l.loadMemory(ctx, name)
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shelf(name)
	s.live, s.warning, s.memory, s.retry, s.stale = live, warning, memory, retry, true
	l.settle(name, s)
}

// reload takes up what could not be loaded because the store was away.
func (l *Learner) reload(ctx context.Context) (left bool) {
	for _, name := range l.names() {
		l.mu.Lock()
		retry := l.shelf(name).retry
		l.mu.Unlock()
		if !retry {
			continue
		}
		l.load(ctx, name)
		l.mu.Lock()
		left = left || l.shelf(name).retry
		l.mu.Unlock()
		l.cfg.Changed()
	}
	return left
}

// shelf gives the shelf of a type. The caller holds mu.
func (l *Learner) shelf(name string) *shelf {
	s := l.shelves[name]
	if s == nil {
		s = &shelf{live: l.cfg.Shipped[name], memory: &remembered{}, verdicts: map[doc.ID][]verdict{}}
		s.training.State = "idle"
		l.shelves[name] = s
		l.settle(name, s)
	}
	return s
}

// Start begins to learn in the background.
func (l *Learner) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	l.done.Go(func() { l.run(ctx) })
}

// Close ends learning and waits for it. What was not finished is begun again at
// the next start.
func (l *Learner) Close() error {
	if l.cancel != nil {
		l.cancel()
	}
	l.done.Wait()
	return nil
}

func (l *Learner) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Knowledge gives what documents are read with now, by type name.
func (l *Learner) Knowledge() map[string]fields.Knowledge {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[string]fields.Knowledge, len(l.shelves))
	for name, s := range l.shelves {
		out[name] = s.known
	}
	return out
}

// With gives what a document of a type would be read with by another model: its
// digest, "live", "shipped" or "rules". Vendor memory goes with it only when
// remember says so: it may hold the very document.
func (l *Learner) With(ctx context.Context, typeName, model string, remember bool) (fields.Knowledge, error) {
	l.mu.Lock()
	s := l.shelf(typeName)
	k := s.known
	l.mu.Unlock()
	switch model {
	case doc.AsLive, "":
	case doc.AsRules:
		k.Model = nil
	default:
		hex, err := l.find(typeName, model)
		if err != nil {
			return k, err
		}
		k.Model = l.cfg.Shipped[typeName]
		if hex != "" {
			if k.Model, err = l.fetch(ctx, typeName, hex); err != nil {
				return k, err
			}
		}
		l.mu.Lock()
		l.applyReviews(typeName, &k, s.verdicts)
		l.mu.Unlock()
	}
	if !remember {
		k.Memory = nil
	}
	return k, nil
}

// Trouble says what stands in the way of what was chosen, by type; nil: nothing.
func (l *Learner) Trouble() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, name := range sortedNames(l.shelves) {
		if w := l.shelves[name].warning; w != "" {
			out = append(out, name+": "+w)
		}
	}
	return out
}

// Models says everything about the models of a type.
func (l *Learner) Models(_ context.Context, typeName string) (doc.ModelList, error) {
	l.mu.Lock()
	s := l.shelf(typeName)
	out := doc.ModelList{Type: typeName, Live: digestOf(s.live), Models: []doc.ModelInfo{}, Reviewed: len(s.verdicts), Training: s.training, Warning: s.warning}
	l.mu.Unlock()
	c := l.chosen(typeName)
	shipped := doc.ModelInfo{Digest: digestOf(l.cfg.Shipped[typeName]), State: doc.ModelShipped, Why: "the rules, which need no training"}
	if m := l.cfg.Shipped[typeName]; m != nil {
		shipped.Why = "came with Recto"
		shipped.MadeAt, shipped.Documents, shipped.Vendors, shipped.Labels = m.Card.MadeAt, m.Card.Documents, m.Card.Vendors, m.Card.Labels
	}
	for _, e := range l.entries(typeName) {
		e.State = doc.ModelAside
		out.Models = append(out.Models, e.ModelInfo)
	}
	out.Models = append(out.Models, shipped)
	for i := range out.Models {
		m := &out.Models[i]
		hex := bare(m.Digest)
		if m.State == doc.ModelShipped {
			hex = ""
		}
		switch {
		case hex == c.Live:
			m.State = doc.ModelLive
			if c.Why != "" {
				m.Why = c.Why
			}
		case hex == c.Previous && !c.At.IsZero():
			m.State = doc.ModelPrevious
		}
	}
	return out, nil
}

// Named says which model knowledge reads with.
func Named(k fields.Knowledge) string { return digestOf(k.Model) }

func digestOf(m *fields.Model) string {
	if m == nil {
		return doc.AsRules
	}
	return m.Digest()
}

// Train asks for a training as soon as there is time.
func (l *Learner) Train(ctx context.Context, typeName string) (doc.ModelList, error) {
	l.mu.Lock()
	s := l.shelf(typeName)
	s.asked = true
	if s.training.State == "idle" {
		s.training.State = "waiting"
	}
	l.mu.Unlock()
	l.nudge()
	return l.Models(ctx, typeName)
}

// Activate makes a model the live one. One that cannot be read changes nothing.
func (l *Learner) Activate(ctx context.Context, typeName, model, by string) (doc.ModelList, error) {
	hex, err := l.find(typeName, model)
	if err == nil {
		err = l.activate(ctx, typeName, hex, by, "chosen by "+by)
	}
	if err != nil {
		return doc.ModelList{}, err
	}
	return l.Models(ctx, typeName)
}

func (l *Learner) activate(ctx context.Context, typeName, hex, by, why string) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	m := l.cfg.Shipped[typeName]
	if hex != "" {
		var err error
		if m, err = l.fetch(ctx, typeName, hex); err != nil {
			if doc.CodeOf(err) == doc.NotFound {
				err = doc.Errorf(doc.Invalid, "the file of model %s is gone: it cannot be used", short(hex))
			}
			return err
		}
	}
	c := l.chosen(typeName)
	if c.Live != hex {
		c = choice{Live: hex, Previous: c.Live}
	}
	c.By, c.At, c.Why = by, time.Now().UTC(), why
	if err := l.write(ctx, KindChoice, typeName, c); err != nil {
		return err
	}
	l.mu.Lock()
	s := l.shelf(typeName)
	s.live, s.warning = m, ""
	l.settle(typeName, s)
	l.mu.Unlock()
	l.cfg.Changed()
	return nil
}

// names gives the types there are shelves for.
func (l *Learner) names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.shelves))
}

// errNothingNew says that a training would make the model there is already.
var errNothingNew = errors.New("nothing was reviewed since the newest model was made")
