package demo

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/demo/simulator"
	"lgsp/internal/problem"
)

// seed is the loading of the province: the rooms, what it has found or made so
// far, and who acts.
type seed struct {
	Rooms
	kept
	province  province
	agencies  map[string]auth.Agency    // by slug
	people    map[string]auth.Principal // by role
	simulated map[string]string         // host:port of a simulated system, by the API's slug
}

// Seed loads the province into the rooms and keeps what people need to try it
// in rooms.Dir. It can be stopped at any point and run again: each step looks
// for what is there, so nothing is made twice. Once all is loaded, it only
// renews the access tokens and follows simulators that moved to another port;
// everything else stays as people left it.
func Seed(ctx context.Context, rooms Rooms, listeners []simulator.Listener) (Info, error) {
	province, err := readProvince()
	if err != nil {
		return Info{}, err
	}
	k, err := readKept(rooms.Dir)
	if err != nil {
		k = kept{} // the first start, or the file was deleted: every secret is made anew
	}
	k.Portal, k.Gateway, k.Ops, k.Issuer, k.Calls = rooms.Portal, rooms.Gateway, rooms.Ops, rooms.Issuer, calls(rooms.Gateway)
	s := &seed{Rooms: rooms, kept: k, province: province,
		agencies: map[string]auth.Agency{}, people: map[string]auth.Principal{}, simulated: map[string]string{}}
	for _, l := range listeners {
		s.simulated[l.Slug] = l.Addr
	}
	type step struct {
		name string
		do   func(context.Context) error
	}
	steps := []step{
		{"agencies", s.loadAgencies}, {"people", s.loadPeople}, {"services", s.loadServices}, {"datasets", s.loadDatasets}, {"use of the datasets", s.loadUsage},
		{"application", s.loadApplication}, {"agreements", s.loadAgreements},
	}
	if s.Loaded {
		steps = []step{{"upstreams", s.followSimulators}}
	}
	for _, step := range append(steps, step{"tokens", s.renewTokens}, step{"registration token", s.renewRegistrationToken}) {
		if err := step.do(ctx); err != nil {
			return Info{}, fmt.Errorf("load %s of the demo province: %w", step.name, err)
		}
	}
	s.Loaded = true
	return s.Info, s.save(s.Dir)
}

// platform acts where no person of the demo does: the machine's own operator.
func platform() auth.Principal { return auth.Platform("demo") }

func (s *seed) loadAgencies(ctx context.Context) error {
	for _, a := range s.province.Agencies {
		found, err := s.Auth.AgencyBySlug(ctx, a.Slug)
		if problem.Is(err, problem.NotFound) {
			found, err = s.createAgency(ctx, a)
		}
		if err != nil {
			return err
		}
		s.agencies[a.Slug] = found
	}
	return nil
}

func (s *seed) createAgency(ctx context.Context, a provinceAgency) (auth.Agency, error) {
	agency, aliases, err := s.province.agency(a)
	if err != nil {
		return auth.Agency{}, err
	}
	if a.Parent != "" {
		parent := s.agencies[a.Parent].ID
		agency.Parent = &parent
	}
	agency.FocalName, agency.FocalEmail = "Đầu mối chia sẻ dữ liệu (trình diễn)", a.Slug+"@"+domain
	return s.Auth.CreateAgency(ctx, platform(), agency, aliases...)
}

// publishing are the agencies that own a simulated service or a dataset.
func (s *seed) publishing() (map[uuid.UUID]bool, error) {
	owners := map[uuid.UUID]bool{}
	for _, system := range s.province.Systems {
		if system.API != "" {
			owners[s.agencies[system.Owner].ID] = true
		}
	}
	all, err := readDatasets()
	for _, d := range all.Datasets {
		owners[s.agencies[d.Agency].ID] = true
	}
	return owners, err
}
