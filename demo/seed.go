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
	info      Info
	province  province
	agencies  map[string]auth.Agency    // by slug
	people    map[string]auth.Principal // by role
	simulated map[string]string         // host:port of a simulated system, by the API's slug
}

// Seed loads the province into the rooms and keeps what people need to try it
// in rooms.Dir. It can be stopped at any point and run again: each step looks
// for what is there, so nothing is made twice and nothing changed is put back.
func Seed(ctx context.Context, rooms Rooms, listeners []simulator.Listener) (Info, error) {
	province, err := readProvince()
	if err != nil {
		return Info{}, err
	}
	info, err := ReadInfo(rooms.Dir)
	if err != nil {
		info = Info{} // the first start, or the file was deleted: everything in it is made anew
	}
	info.Portal, info.Gateway, info.Ops, info.Issuer = rooms.Portal, rooms.Gateway, rooms.Ops, rooms.Issuer
	info.Calls = calls(rooms.Gateway)
	s := &seed{Rooms: rooms, info: info, province: province,
		agencies: map[string]auth.Agency{}, people: map[string]auth.Principal{}, simulated: map[string]string{}}
	for _, l := range listeners {
		s.simulated[l.Slug] = l.Addr
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"agencies", s.loadAgencies}, {"people", s.loadPeople}, {"services", s.loadServices}, {"datasets", s.loadDatasets},
		{"application", s.loadApplication}, {"agreements", s.loadAgreements},
	} {
		if err := step.do(ctx); err != nil {
			return Info{}, fmt.Errorf("load %s of the demo province: %w", step.name, err)
		}
	}
	return s.info, s.info.save(s.Dir)
}

// platform acts until there are people: the machine's own operator.
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
