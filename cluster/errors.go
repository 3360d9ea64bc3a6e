package cluster

import "errors"

// Errors of a Cluster.
var (
	ErrConflict  = errors.New("the entry has another version")
	ErrFenced    = errors.New("the epoch of the command is over: another member leads now")
	ErrNotLeader = errors.New("this member does not lead")
	ErrNoQuorum  = errors.New("more than half of the voting members cannot be reached")
	ErrInUse     = errors.New("the data directory is in use by another process")
	ErrTooLarge  = errors.New("the value is too large for the control plane")
	ErrClosed    = errors.New("the cluster is closed")
	ErrNoMember  = errors.New("no such member")
	ErrRemoved   = errors.New("this member was removed from the cluster")
	ErrLevel     = errors.New("the feature levels do not fit")
)

// Errors of Join, each wrapped in a Refusal that tells a person why and what to do.
var (
	ErrToken        = errors.New("the join token is not valid")
	ErrTokenUsed    = errors.New("the join token was used before")
	ErrTokenExpired = errors.New("the join token has expired")
	ErrOtherCluster = errors.New("another cluster")
	ErrClock        = errors.New("the clocks differ too much")
	ErrUnreachable  = errors.New("an address cannot be reached")
	ErrJoinBusy     = errors.New("another member is joining")
	ErrMember       = errors.New("this data folder is a member already")
	ErrNotEmpty     = errors.New("this data folder has a cluster of its own")
)

// refusals gives the codes by which errors travel between members. Codes are kept:
// members of other versions read them.
var refusals = []struct {
	code string
	err  error
}{
	{"token", ErrToken}, {"token_used", ErrTokenUsed}, {"token_expired", ErrTokenExpired},
	{"other_cluster", ErrOtherCluster}, {"clock", ErrClock}, {"unreachable", ErrUnreachable},
	{"busy", ErrJoinBusy}, {"member", ErrMember}, {"not_empty", ErrNotEmpty}, {"level", ErrLevel},
	{"removed", ErrRemoved}, {"no_quorum", ErrNoQuorum}, {"not_leader", ErrNotLeader},
	{"too_large", ErrTooLarge}, {"fenced", ErrFenced}, {"closed", ErrClosed}, {"no_member", ErrNoMember},
}

// Refusal says in words for an admin why something was not done, and what to do
// about it. errors.Is finds the sentinel behind it.
type Refusal struct {
	Err    error
	Reason string // a sentence without its full stop
	Remedy string // the same
}

// Error gives reason and remedy.
func (r *Refusal) Error() string { return r.Reason + "; " + r.Remedy }

// Unwrap gives the sentinel error.
func (r *Refusal) Unwrap() error { return r.Err }

// wireError is an error as it travels between members.
type wireError struct {
	Code   string `json:"code"`
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

func toWire(err error) wireError {
	w := wireError{Code: "internal", Text: err.Error()}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			w.Code = r.code
			break
		}
	}
	var refusal *Refusal
	if errors.As(err, &refusal) {
		w.Text, w.Remedy = refusal.Reason, refusal.Remedy
	}
	return w
}

func (w wireError) err() error {
	for _, r := range refusals {
		switch {
		case r.code != w.Code:
		case w.Remedy != "":
			return &Refusal{Err: r.err, Reason: w.Text, Remedy: w.Remedy}
		default:
			return r.err
		}
	}
	return errors.New(w.Text)
}
