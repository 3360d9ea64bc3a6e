package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// Bounds of what other members may ask for.
const (
	maxQuestion = 1 << 20          // bytes of a question that is not an object
	bodyStall   = 30 * time.Second // without a byte of an object that is being sent, or without room for one
	listFlush   = 500              // lines of a list at a time
)

// Handler answers other members, below /blobs/. It must be mounted where only
// members get in: it lets everybody read, write and erase.
func (c *Copies) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /blobs/objects/{key...}", c.servePut)
	mux.HandleFunc("GET /blobs/objects/{key...}", c.serveGet)
	mux.HandleFunc("GET /blobs/list", c.serveList)
	mux.HandleFunc("POST /blobs/have", answering(c.serveHave))
	mux.HandleFunc("POST /blobs/erase", answering(c.serveErase))
	mux.HandleFunc("POST /blobs/drop", answering(c.serveDrop))
	mux.HandleFunc("POST /blobs/status", answering(func(context.Context, struct{}) (Status, error) { return c.Status(), nil }))
	return mux
}

// answering makes a handler of a function from question to answer.
func answering[Q, A any](fn func(context.Context, Q) (A, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q Q
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuestion))
		if err == nil {
			err = json.Unmarshal(raw, &q)
		}
		if err != nil {
			refuse(w, doc.Errorf(doc.Invalid, "the question cannot be read: %w", err))
			return
		}
		a, err := fn(r.Context(), q)
		if err != nil {
			refuse(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(a) // who asked is gone when it fails
	}
}

// refuse answers with an error as peer.refusal reads it.
func refuse(w http.ResponseWriter, err error) {
	var erased *erasedError
	if errors.As(err, &erased) {
		w.Header().Set(headerErased, strconv.FormatInt(erased.at, 10))
		w.WriteHeader(http.StatusGone)
		return
	}
	e := doc.Error{Code: doc.CodeOf(err), Detail: doc.DetailOf(err), Message: err.Error()}
	status := map[doc.Code]int{
		doc.Invalid: http.StatusBadRequest, doc.NotFound: http.StatusNotFound, doc.Conflict: http.StatusConflict,
		doc.TooLarge: http.StatusRequestEntityTooLarge, doc.Full: http.StatusInsufficientStorage, doc.Unavailable: http.StatusServiceUnavailable,
	}[e.Code]
	if status == 0 {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(&e)
}

// servePut takes an object in. It answers when that is on the disk.
func (c *Copies) servePut(w http.ResponseWriter, r *http.Request) {
	o := object{key: r.PathValue("key"), size: r.ContentLength}
	sum, err := hex.DecodeString(r.Header.Get(headerSum))
	born, bornErr := strconv.ParseInt(r.Header.Get(headerBorn), 10, 64)
	if err != nil || bornErr != nil || len(sum) != sha256.Size || o.size < 0 {
		refuse(w, doc.Errorf(doc.Invalid, "an object comes with its length, SHA-256 and time"))
		return
	}
	o.sum, o.born = [sha256.Size]byte(sum), born
	if err := checkKey(o.key); err != nil {
		refuse(w, err)
		return
	}
	if err := c.room(o.size); err != nil {
		refuse(w, err)
		return
	}
	slow := http.NewResponseController(w)
	existed, err := c.local.receive(r.Context(), readerFunc(func(b []byte) (int, error) {
		_ = slow.SetReadDeadline(time.Now().Add(bodyStall)) // where it is not supported, who sends it gives up
		return r.Body.Read(b)
	}), o)
	_ = slow.SetReadDeadline(time.Time{})
	if err != nil {
		refuse(w, err)
		return
	}
	if existed {
		w.WriteHeader(http.StatusOK)
		return
	}
	if c.cfg.Stored != nil {
		c.cfg.Stored(o.key)
	}
	w.WriteHeader(http.StatusCreated)
}

// serveGet gives what is kept here, and nothing else.
func (c *Copies) serveGet(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	if err := checkKey(key); err != nil {
		refuse(w, err)
		return
	}
	f, err := c.local.open(key)
	if err != nil {
		refuse(w, err)
		return
	}
	defer f.Close()
	o, err := lookAt(r.Context(), key, f)
	if err == nil {
		err = wantNamed(o)
	}
	if err != nil {
		if errors.Is(err, ErrDamaged) {
			c.suspect(key)
		}
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(o.size, 10))
	w.Header().Set(headerSum, hex.EncodeToString(o.sum[:]))
	w.Header().Set(headerBorn, strconv.FormatInt(o.born, 10))
	w.WriteHeader(http.StatusOK)
	slow := http.NewResponseController(w)
	_, _ = io.Copy(writerFunc(func(b []byte) (int, error) { // who asked compares what arrives
		_ = slow.SetWriteDeadline(time.Now().Add(bodyStall))
		return w.Write(b)
	}), io.NewSectionReader(f, 0, o.size))
	_ = slow.SetWriteDeadline(time.Time{})
}

// wantNamed is ErrDamaged when the key of o names other bytes.
func wantNamed(o object) error {
	if checkName(o.key, o.sum) != nil {
		return damaged(o.key)
	}
	return nil
}

// serveList gives the keys that are kept here, one a line, and says when it is
// through.
func (c *Copies) serveList(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	slow := http.NewResponseController(w)
	out, lines := json.NewEncoder(w), 0
	flush := func() error {
		_ = slow.SetWriteDeadline(time.Now().Add(bodyStall))
		return slow.Flush()
	}
	_ = slow.SetWriteDeadline(time.Now().Add(bodyStall))
	err := c.local.List(r.Context(), r.FormValue("prefix"), r.FormValue("after"), func(i Info) error {
		if err := out.Encode(listed{Key: i.Key, Size: i.Size, Born: i.Modified.Unix()}); err != nil {
			return err
		}
		if lines++; lines%listFlush == 0 {
			return flush()
		}
		return nil
	})
	last := listed{End: true}
	if err != nil {
		last = listed{Error: &doc.Error{Code: doc.CodeOf(err), Message: err.Error()}}
	}
	_ = out.Encode(last)
	_ = flush()
	_ = slow.SetWriteDeadline(time.Time{})
}

// serveHave says which of the keys are kept here.
func (c *Copies) serveHave(ctx context.Context, q haveQuestion) ([]holding, error) {
	if len(q.Keys) > maxKeys {
		return nil, doc.Errorf(doc.Invalid, "at most %d keys at a time", maxKeys)
	}
	if v := c.now.Load(); q.Set != "" && q.Set != v.set {
		return nil, doc.Errorf(doc.Conflict, "this member sees other members")
	}
	out := make([]holding, len(q.Keys))
	for i, key := range q.Keys {
		h, err := c.local.holds(ctx, key, q.Read)
		if err != nil {
			return nil, err
		}
		out[i] = h
	}
	return out, nil
}

// holds says what is kept under key. With read a damaged object counts as none.
func (s *Files) holds(ctx context.Context, key string, read bool) (holding, error) {
	h := holding{Size: -1}
	info, err := s.Stat(ctx, key)
	if err != nil && doc.CodeOf(err) != doc.NotFound {
		return h, err
	}
	if err == nil && read {
		o, lookErr := s.look(ctx, key)
		if err = lookErr; err == nil {
			err = wantNamed(o)
		}
		if err == nil {
			h.Sum = hex.EncodeToString(o.sum[:])
		} else if doc.CodeOf(err) != doc.NotFound && !errors.Is(err, ErrDamaged) {
			return h, err
		}
	}
	if err == nil {
		h.Size, h.Born = info.Size, info.Modified.Unix()
	}
	h.Erased, err = s.erasedAt(key)
	return h, err
}

// serveErase takes erasures in.
func (c *Copies) serveErase(_ context.Context, all []erasure) ([]int64, error) {
	if len(all) > maxKeys {
		return nil, doc.Errorf(doc.Invalid, "at most %d keys at a time", maxKeys)
	}
	out := make([]int64, len(all))
	for i, e := range all {
		younger, err := c.local.erase(e.Key, e.At)
		if err != nil {
			return nil, err
		}
		out[i] = younger
	}
	return out, nil
}

// dropQuestion names copies that are kept elsewhere now.
type dropQuestion struct {
	Key string `json:"key"`
	Sum string `json:"sum"` // only if it has this SHA-256
}

// serveDrop removes the copy of an object without erasing it.
func (c *Copies) serveDrop(ctx context.Context, q dropQuestion) (struct{}, error) {
	sum, err := hex.DecodeString(q.Sum)
	if err != nil || len(sum) != sha256.Size || checkKey(q.Key) != nil {
		return struct{}{}, doc.Errorf(doc.Invalid, "not a key with its SHA-256")
	}
	return struct{}{}, c.local.drop(ctx, object{key: q.Key, sum: [sha256.Size]byte(sum)})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
