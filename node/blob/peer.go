package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// How one member talks to another. A member that is away must be found out
// before a sender gives up, one that is slow must not be taken for away.
const (
	peerAnswer  = 10 * time.Second // to answer when nothing is left to send
	peerRate    = 1 << 20          // bytes/s; slower is taken for away
	peerStall   = 10 * time.Second // without a byte of an answer under way
	listStall   = 3 * time.Second  // without another line of a list
	peerSends   = 32               // objects sent to one member at a time
	avoidFirst  = time.Second      // how long a member that failed is asked last
	avoidAtMost = 30 * time.Second
	askFirst    = 64 << 10 // bytes; before a larger object is sent the member may refuse it
	maxAnswer   = 1 << 20  // bytes of an answer that is not an object or a list
)

const (
	headerSum    = "Recto-Sha256"
	headerBorn   = "Recto-Born"
	headerErased = "Recto-Erased"
)

// peer is another member: how to ask it, and whether that failed lately.
type peer struct {
	id, name string
	client   *http.Client
	slots    chan struct{}

	mu    sync.Mutex
	fails int
	until time.Time // asked last before that
}

func newPeer(m Member, c *http.Client) *peer {
	name := m.Name
	if name == "" {
		name = m.ID
	}
	return &peer{id: m.ID, name: name, client: c, slots: make(chan struct{}, peerSends)}
}

// avoided says whether the member failed a moment ago.
func (p *peer) avoided(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Before(p.until)
}

func (p *peer) failed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = time.Now().Add(min(avoidFirst<<min(p.fails, 10), avoidAtMost))
	p.fails++
}

func (p *peer) worked() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fails, p.until = 0, time.Time{}
}

// do sends a request and gives an answer that is no error. The caller closes its
// body.
func (p *peer) do(ctx context.Context, method, path string, body io.Reader, size int64, header map[string]string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "https://"+p.id+path, body)
	if err != nil {
		return nil, fmt.Errorf("ask member %s: %w", p.name, err)
	}
	req.ContentLength = size
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, p.gone(ctx, err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, p.refusal(resp)
}

// gone is the error of a member that does not answer. When it was this one that
// gave up, the member is not to blame.
func (p *peer) gone(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	p.failed()
	return &doc.Error{Code: doc.Unavailable, Message: "member " + p.name + " does not answer", Err: err}
}

// refusal reads the error that a member answered with.
func (p *peer) refusal(resp *http.Response) error {
	if at, err := strconv.ParseInt(resp.Header.Get(headerErased), 10, 64); err == nil && resp.StatusCode == http.StatusGone {
		p.worked()
		return &erasedError{at}
	}
	var e doc.Error
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil || json.Unmarshal(raw, &e) != nil || e.Code == "" || e.Message == "" { // not from its blobs
		p.failed()
		return doc.Errorf(doc.Unavailable, "member %s answers with status %d", p.name, resp.StatusCode)
	}
	p.worked()
	switch {
	case e.Code == doc.Internal && e.Detail == doc.DetailDamaged:
		e.Err = ErrDamaged
	case e.Code == doc.Full:
		e.Message = "no room left on member " + p.name
	case e.Code == doc.Internal || e.Code == doc.Unavailable:
		e.Code, e.Message = doc.Unavailable, "member "+p.name+": "+e.Message
	}
	return &e
}

// put sends an object and says whether it was there. A nil error means that it is
// on the member's disk for good.
func (p *peer) put(ctx context.Context, o object, body io.Reader) (existed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, peerAnswer+time.Duration(o.size/peerRate)*time.Second)
	defer cancel()
	if o.size == 0 {
		body = http.NoBody
	}
	header := map[string]string{headerSum: hex.EncodeToString(o.sum[:]), headerBorn: strconv.FormatInt(o.born, 10)}
	if o.size > askFirst {
		header["Expect"] = "100-continue"
	}
	resp, err := p.do(ctx, http.MethodPut, objectPath(o.key), body, o.size, header)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	p.worked()
	return resp.StatusCode == http.StatusOK, nil
}

// watch bounds how long a member may be silent: timer is set again with each sign of
// life, fail turns what broke off into the reason, and done ends it.
func (p *peer) watch(ctx context.Context, silence time.Duration) (watched context.Context, timer *time.Timer, fail func(error) error, done func()) {
	watched, cancel := context.WithCancelCause(ctx)
	stalled := doc.Errorf(doc.Unavailable, "member %s does not answer", p.name)
	timer = time.AfterFunc(silence, func() { cancel(stalled) })
	fail = func(err error) error {
		if errors.Is(context.Cause(watched), stalled) {
			p.failed()
			return stalled
		}
		return err
	}
	return watched, timer, fail, func() { timer.Stop(); cancel(nil) }
}

// get brings an object into w, calling progress as its bytes come, and gives what
// it is. The bytes are those that the member meant to send.
func (p *peer) get(ctx context.Context, key string, w io.Writer, progress func()) (object, error) {
	ctx, timer, fail, done := p.watch(ctx, peerStall)
	defer done()
	resp, err := p.do(ctx, http.MethodGet, objectPath(key), nil, 0, nil)
	if err != nil {
		return object{}, fail(err)
	}
	defer resp.Body.Close()
	o := object{key: key, size: resp.ContentLength}
	sum, err := hex.DecodeString(resp.Header.Get(headerSum))
	if err == nil && len(sum) == sha256.Size {
		o.sum = [sha256.Size]byte(sum)
		o.born, err = strconv.ParseInt(resp.Header.Get(headerBorn), 10, 64)
	}
	if err != nil || len(sum) != sha256.Size || o.size < 0 {
		return object{}, doc.Errorf(doc.Unavailable, "member %s does not answer as a member does", p.name)
	}
	keep := &keeping{w: w}
	got, n, err := spool(ctx, keep, readerFunc(func(b []byte) (int, error) {
		n, err := resp.Body.Read(b)
		timer.Reset(peerStall)
		progress()
		return n, err
	}), 0)
	if err != nil {
		if keep.err != nil {
			return object{}, fileError(keep.err)
		}
		return object{}, fail(p.gone(ctx, err))
	}
	if n != o.size || got != o.sum || checkName(key, got) != nil {
		return object{}, doc.Errorf(doc.Unavailable, "object %s did not arrive whole from member %s", key, p.name)
	}
	p.worked()
	return o, nil
}

// ask posts a question and reads the answer to it.
func (p *peer) ask(ctx context.Context, path string, question, answer any) error {
	within := peerAnswer
	if q, ok := question.(haveQuestion); ok {
		within += time.Duration(q.bytes/peerRate) * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	raw, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("ask member %s: %w", p.name, err)
	}
	resp, err := p.do(ctx, http.MethodPost, path, bytes.NewReader(raw), int64(len(raw)), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(answer); err != nil {
		return p.gone(ctx, err)
	}
	p.worked()
	return nil
}

// holding is what a member says of a key it was asked for.
type holding struct {
	Size   int64  `json:"size"` // bytes; -1 when it has none
	Born   int64  `json:"born,omitempty"`
	Erased int64  `json:"erased,omitempty"` // second of the erasure it knows of
	Sum    string `json:"sum,omitempty"`    // SHA-256 in hexadecimal, when asked for
}

// maxKeys is how many keys are asked for at a time.
const maxKeys = 500

type haveQuestion struct {
	Set  string   `json:"set,omitempty"` // when given, only a member that sees the same answers
	Read bool     `json:"read,omitempty"`
	Keys []string `json:"keys"`

	bytes int64 // that it will read
}

// have asks which of keys the member holds. With read it reads them and says what
// their bytes are.
func (p *peer) have(ctx context.Context, q haveQuestion) ([]holding, error) {
	var out []holding
	if err := p.ask(ctx, "/blobs/have", q, &out); err != nil {
		return nil, err
	}
	if len(out) != len(q.Keys) {
		return nil, doc.Errorf(doc.Unavailable, "member %s does not answer as a member does", p.name)
	}
	return out, nil
}

// erase tells of erasures, and gives for each 0 or the second at which the object
// there was born, if that is later.
func (p *peer) erase(ctx context.Context, all []erasure) ([]int64, error) {
	var out []int64
	if err := p.ask(ctx, "/blobs/erase", all, &out); err != nil {
		return nil, err
	}
	if len(out) != len(all) {
		return nil, doc.Errorf(doc.Unavailable, "member %s does not answer as a member does", p.name)
	}
	return out, nil
}

func (p *peer) status(ctx context.Context) (Status, error) {
	var out Status
	err := p.ask(ctx, "/blobs/status", struct{}{}, &out)
	return out, err
}

// list calls fn with the objects of the member behind after, in order of keys. An
// answer that breaks off is an error after what came of it.
func (p *peer) list(ctx context.Context, prefix, after string, fn func(Info) error) error {
	ctx, timer, fail, done := p.watch(ctx, listStall)
	defer done()
	q := url.Values{"prefix": {prefix}, "after": {after}}
	resp, err := p.do(ctx, http.MethodGet, "/blobs/list?"+q.Encode(), nil, 0, nil)
	if err != nil {
		return fail(err)
	}
	defer resp.Body.Close()
	in := json.NewDecoder(resp.Body)
	for {
		var l listed
		if err := in.Decode(&l); err != nil {
			return fail(p.gone(ctx, err))
		}
		if l.Error != nil {
			return doc.Errorf(doc.Unavailable, "member %s: %s", p.name, l.Error.Message)
		}
		if l.End {
			p.worked()
			return nil
		}
		timer.Stop() // what fn takes is not the member's time
		if err := fn(Info{Key: l.Key, Size: l.Size, Modified: time.Unix(l.Born, 0)}); err != nil {
			return err
		}
		timer.Reset(listStall)
	}
}

// listed is one line of a list.
type listed struct {
	Key   string     `json:"key,omitempty"`
	Size  int64      `json:"size,omitempty"`
	Born  int64      `json:"born,omitempty"`
	Error *doc.Error `json:"error,omitempty"` // the list could not be ended
	End   bool       `json:"end,omitempty"`   // nothing was left out
}

// keeping remembers why w failed, to tell its errors from those of a reader.
type keeping struct {
	w   io.Writer
	err error
}

func (k *keeping) Write(b []byte) (int, error) {
	n, err := k.w.Write(b)
	if err != nil {
		k.err = err
	}
	return n, err
}

func objectPath(key string) string { return "/blobs/objects/" + key }

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
