package doc

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ClusterView is the cluster as one member sees it: who belongs to it, what is
// being done to bring it to its goal, and what an admin should know.
type ClusterView struct {
	ID      string        `json:"id"`
	Self    string        `json:"self"`   // node ID of the member that answers
	Leader  string        `json:"leader"` // of the control plane, node ID; empty: none known
	Epoch   uint64        `json:"epoch"`
	Level   int           `json:"level"`    // of features in use: what every member can read
	LevelUp int           `json:"level_up"` // level that all members could use; above Level: an upgrade waits to be finalised
	Members []Member      `json:"members"`  // by name
	Log     LogView       `json:"log"`      // the document log
	Copies  CopiesView    `json:"copies"`   // originals and records
	Goal    string        `json:"goal"`     // what the reconciler wants, in a sentence
	Steps   []ClusterStep `json:"steps"`    // what it is doing, or what keeps it from it; empty: goal reached
	Advice  string        `json:"advice"`   // what this number of members protects, in a sentence
	Alarms  []Alarm       `json:"alarms"`
	At      time.Time     `json:"at"`
}

// Unsettled says what is not as it should be yet; empty: all members are there and
// ready, nobody comes or goes, and everything has its copies.
func (v ClusterView) Unsettled() string {
	switch {
	case v.Leader == "":
		return "the members choose who leads"
	case len(v.Steps) > 0:
		return v.Steps[0].Text
	}
	for _, m := range v.Members {
		if why := m.unsettled(); why != "" {
			return m.Name + " " + why
		}
	}
	switch {
	case !v.Log.Works:
		return "the document log cannot be written"
	case v.Log.Replicas < v.Log.Want:
		return fmt.Sprintf("the document log has %d of %d copies", v.Log.Replicas, v.Log.Want)
	case v.Copies.Due > 0:
		return "files get their copies"
	}
	return ""
}

func (m Member) unsettled() string {
	switch {
	case m.State == MemberRemoved:
		return ""
	case m.State == MemberJoining:
		return "joins"
	case m.State == MemberLeaving:
		return "leaves"
	case !m.Up:
		return "does not answer: start it, or remove it"
	case !m.Ready:
		return "is not ready yet"
	case m.Behind != "":
		return "is catching up: " + m.Behind
	}
	return ""
}

// MemberState is where a member stands between joining and leaving.
type MemberState string

// The states of a member. joining → active is the reconciler's, active → draining
// and back an admin's, → leaving an admin's, leaving → removed the reconciler's.
const (
	MemberJoining  MemberState = "joining"
	MemberActive   MemberState = "active"
	MemberDraining MemberState = "draining" // takes no new work, keeps its vote and its copies
	MemberLeaving  MemberState = "leaving"  // its copies and votes are being moved to others
	MemberRemoved  MemberState = "removed"  // kept out
)

// MemberStates lists all states, in the order in which a member goes through them.
var MemberStates = []MemberState{MemberJoining, MemberActive, MemberDraining, MemberLeaving, MemberRemoved}

// Member is one machine of the cluster.
type Member struct {
	ID        string      `json:"id"`
	Name      string      `json:"name"` // as people call the machine
	State     MemberState `json:"state"`
	Role      string      `json:"role"` // leader, voter, standby
	Up        bool        `json:"up"`   // answered a moment ago
	Since     time.Time   `json:"since"`
	SeenAt    time.Time   `json:"seen_at"` // last answer
	URL       string      `json:"url"`     // of its API and UI
	Peer      string      `json:"peer"`    // host:port for other members
	Version   string      `json:"version"`
	Levels    [2]int      `json:"levels"` // lowest and highest feature level it can use
	Ready     bool        `json:"ready"`
	Missing   []string    `json:"missing"` // parts that do not work, with why
	Behind    string      `json:"behind"`  // in what its broker's copies are behind; empty: in nothing. Stop no other member meanwhile.
	Skills    []string    `json:"skills"`  // what it can do: "ocr", "gpu"
	Workers   int         `json:"workers"` // documents it reads at once
	Busy      int         `json:"busy"`    // of these, working
	DiskUsed  int64       `json:"disk_used"`
	DiskFree  int64       `json:"disk_free"`  // bytes
	ClockSkew float64     `json:"clock_skew"` // seconds, against the member that answers
	CertUntil time.Time   `json:"cert_until"` // end of its certificate
	LogCopy   bool        `json:"log_copy"`   // it holds a replica of the log
	LogSeq    uint64      `json:"log_seq"`    // last message its replica holds
	LogBehind uint64      `json:"log_behind"` // messages behind the leader of the log
	IndexSeq  uint64      `json:"index_seq"`  // how far its index is
	CopiesDue int         `json:"copies_due"` // objects it still has to fetch or send
	Note      string      `json:"note,omitempty"`
}

// LogView is how the document log is kept.
type LogView struct {
	Replicas int    `json:"replicas"` // that it has
	Want     int    `json:"want"`     // that it should have
	Leader   string `json:"leader"`   // node ID
	LastSeq  uint64 `json:"last_seq"`
	Works    bool   `json:"works"` // a probe was written a moment ago
}

// CopiesView is how originals and records are kept.
type CopiesView struct {
	Kind    string    `json:"kind"`    // files or s3
	Want    int       `json:"want"`    // copies of each object
	Due     int       `json:"due"`     // objects that lack copies, as far as known
	Checked int64     `json:"checked"` // objects whose bytes were compared with their hash since start
	Healed  int64     `json:"healed"`  // of these, damaged and replaced
	Round   time.Time `json:"round"`   // when all objects were last looked at
	Damaged int64     `json:"damaged"` // objects put aside because no good copy was found
	Waiting int       `json:"waiting"` // objects that wait on disks for the bucket
	Away    string    `json:"away"`    // why the bucket cannot be used; empty: it can, or there is none
}

// ClusterStep is one thing that the reconciler is doing.
type ClusterStep struct {
	Text  string  `json:"text"`            // what, with the member's name
	Done  float64 `json:"done"`            // 0..1; -1: not known
	Error string  `json:"error,omitempty"` // why it does not get on
}

// Alarm is what an admin should do something about.
type Alarm struct {
	Severity string `json:"severity"` // warn or critical
	Code     string `json:"code"`     // no_margin, no_quorum, replica_behind, replica_bad, disk, clock, certificate, member_down, version, copies
	Member   string `json:"member,omitempty"`
	Text     string `json:"text"` // what it means and what to do
}

// JoinToken is what a new machine shows to be let in. It is shown once.
type JoinToken struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
	Command string    `json:"command"` // to run on the new machine
}

// Position is how far a member is: the last message of the document log that its
// index holds, and the version of its control state. Whoever has written carries
// the position of that write along, so that another member, asked next, waits
// until it is as far.
type Position struct {
	Log, Control uint64
}

// String writes p as ParsePosition reads it: 1234.56.
func (p Position) String() string {
	return strconv.FormatUint(p.Log, 10) + "." + strconv.FormatUint(p.Control, 10)
}

// ParsePosition reads what String wrote. Anything else is Invalid.
func ParsePosition(s string) (Position, error) {
	log, control, ok := strings.Cut(s, ".")
	a, err := strconv.ParseUint(log, 10, 64)
	b, err2 := strconv.ParseUint(control, 10, 64)
	if !ok || err != nil || err2 != nil {
		return Position{}, &Error{Code: Invalid, Message: fmt.Sprintf("position %.60q: use two numbers with a point between them, as an answer gave them", s)}
	}
	return Position{a, b}, nil
}

// Max is the position that is as far as both p and q.
func (p Position) Max(q Position) Position {
	return Position{max(p.Log, q.Log), max(p.Control, q.Control)}
}

// Holds says whether whoever is at p has seen all that q stands for.
func (p Position) Holds(q Position) bool { return p.Log >= q.Log && p.Control >= q.Control }
