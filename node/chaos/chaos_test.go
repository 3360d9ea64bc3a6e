//go:build linux

package chaos_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/recto-edge/recto/node/chaos"
	"github.com/recto-edge/recto/node/chaos/history"
	"github.com/recto-edge/recto/node/chaos/volume"
	"github.com/recto-edge/recto/node/chaos/wire"
)

func TestMain(m *testing.M) {
	if chaos.ServePlain() { // this program is started again as the server to compare with
		return
	}
	goleak.VerifyTestMain(m)
}

const diskSize = 192 << 20

// binary is the program that is shipped: the one that was built already, or one
// built here.
func binary(t *testing.T) string {
	t.Helper()
	if bin := os.Getenv("RECTO_BIN"); bin != "" {
		return bin
	}
	bin := filepath.Join(t.TempDir(), "recto")
	cmd := exec.Command("go", "build", "-o", bin, "../../cmd/recto")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	return bin
}

// needsMachines skips a test where machines with links and disks of their own
// cannot be made.
func needsMachines(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts and kills real processes")
	}
	n, err := wire.New()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if !n.Links() || os.Geteuid() != 0 {
		t.Skip(wire.ErrNoLinks)
	}
}

func campaign(t *testing.T, k chaos.Campaign) chaos.Summary {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	k.Said = t.Output()
	k.Keep = filepath.Join(os.TempDir(), "recto-chaoskept")
	s, err := k.Run(ctx)
	if err != nil && !errors.Is(err, volume.ErrUnavailable) {
		t.Fatal(err)
	}
	if err := s.Table(t.Output()); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSeeds is the short form of the fault runs: a few seeds on one cluster of
// three. Nothing that was acknowledged is lost, nothing is there twice.
func TestSeeds(t *testing.T) {
	needsMachines(t)
	bin := binary(t)
	s := campaign(t, chaos.Campaign{
		System: func() chaos.System { return chaos.NewRecto(bin) },
		Config: chaos.Config{Members: 3, Volume: volume.Image, Size: diskSize},
		First:  300, Seeds: 3, Lanes: 1,
	})
	if s.Broken > 0 || s.Failed > 0 || s.Acked == 0 {
		t.Errorf("%d of %d runs broke a promise, %d gave no verdict, %d documents acknowledged: seeds %v", s.Broken, s.Runs, s.Failed, s.Acked, s.Bad)
	}
}

// TestPlainJetStream_LosesAtPowerLoss shows that the harness finds loss where
// there is some: JetStream with default settings acknowledges before it syncs.
func TestPlainJetStream_LosesAtPowerLoss(t *testing.T) {
	needsMachines(t)
	s := campaign(t, chaos.Campaign{
		System: func() chaos.System { return chaos.NewPlain() },
		Config: chaos.Config{Members: 3, Volume: volume.Image, Size: diskSize, Patience: 15 * time.Second},
		First:  1, Seeds: 1, Lanes: 1, Only: chaos.PowerAll,
	})
	if s.Lost == 0 || s.Acked == 0 {
		t.Errorf("no loss was found: %d lost of %d acknowledged", s.Lost, s.Acked)
	}
}

// TestLoopback_WithoutRights runs one member on a loopback address, as where
// machines cannot be made.
func TestLoopback_WithoutRights(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills real processes")
	}
	bin := binary(t)
	s := campaign(t, chaos.Campaign{
		System: func() chaos.System { return chaos.NewRecto(bin) },
		Config: chaos.Config{Members: 1, Volume: volume.Folder, Size: diskSize, Loopback: true},
		First:  1, Seeds: 1, Lanes: 1, Only: chaos.Kill,
	})
	if s.Broken > 0 || s.Failed > 0 || s.Acked == 0 {
		t.Errorf("%+v", s)
	}
}

func TestNewPlan_FollowsFromTheSeed(t *testing.T) {
	kinds := map[chaos.FaultKind]int{}
	for seed := range uint64(2000) {
		a, b := chaos.NewPlan(seed, 3), chaos.NewPlan(seed, 3)
		if !slices.Equal(a.Faults, b.Faults) || a.Rate != b.Rate || len(a.Faults) == 0 {
			t.Fatalf("seed %d gave %+v, then %+v", seed, a, b)
		}
		damaged := map[int]bool{}
		for _, f := range a.Faults {
			kinds[f.Kind]++
			if f.Kind == chaos.FlipLog || f.Kind == chaos.TearBlob || f.Kind == chaos.FlipRaft || f.Kind == chaos.Replace {
				damaged[f.Victim] = true
			}
		}
		if len(damaged) > 1 {
			t.Errorf("seed %d damages several members: %+v", seed, a.Faults)
		}
	}
	if len(kinds) < 25 {
		t.Errorf("2000 seeds have only %d kinds of fault", len(kinds))
	}
}

func TestSummarise_CountsDocumentsNotMembers(t *testing.T) {
	v := func(k history.Kind, id, m string) history.Violation {
		return history.Violation{Kind: k, ID: "id", Name: id, Member: m}
	}
	s := chaos.Summarise([]chaos.Report{
		{Acked: 5, Violations: []history.Violation{v(history.Lost, "x", "a"), v(history.Lost, "x", "b")}},
		{Acked: 7, Faults: []chaos.Injected{{Fault: chaos.Fault{Kind: chaos.Kill}}, {Fault: chaos.Fault{Kind: chaos.Clock}, Error: "no clock"}}},
		{Error: "no cluster"},
	})
	if s.Runs != 3 || s.Broken != 1 || s.Failed != 1 || s.Lost != 1 || s.Acked != 12 || s.Faults[chaos.Kill] != 1 || s.Missed[chaos.Clock] != 1 {
		t.Errorf("%+v", s)
	}
}
