package demo

import (
	"context"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
)

// number is the version under which each service is published.
const number = "v1"

// hints are what a document here says, in its own words and in ours.
type hints struct {
	Info struct {
		Title         string `json:"title"`
		TitleEN       string `json:"x-title-en"`
		Description   string `json:"description"`
		DescriptionEN string `json:"x-description-en"`
	} `json:"info"`
	Paths map[string]map[string]struct {
		Access         string `json:"x-lgsp-access"`
		Classification string `json:"x-lgsp-classification"`
		Subject        struct {
			In   string `json:"in"`
			Name string `json:"name"`
		} `json:"x-lgsp-subject"`
	} `json:"paths"`
}

// loadServices publishes each simulated system as its agency would.
func (s *seed) loadServices(ctx context.Context) error {
	for _, system := range s.province.Systems {
		if system.API == "" {
			continue
		}
		if err := s.loadService(ctx, system); err != nil {
			return fmt.Errorf("%s: %w", system.API, err)
		}
	}
	return nil
}

func (s *seed) loadService(ctx context.Context, system System) error {
	agency, upstream, publisher := s.agencies[system.Owner], s.simulated[system.API], s.people[auth.RolePublisher]
	text, err := spec(system.API)
	if err != nil {
		return err
	}
	version, err := s.version(ctx, system, text)
	if err != nil || version.State != catalog.Draft {
		return err
	}
	if _, err := s.Catalog.ApproveUpstream(ctx, s.people[auth.RoleOperator], agency.ID, upstream); err != nil {
		return err
	}
	if _, err := s.Catalog.SetUpstream(ctx, publisher, version.ID, "http://"+upstream); err != nil {
		return err
	}
	return s.publish(ctx, version, text)
}

// followSimulators points each service that still forwards to a simulator at
// where that one listens now.
func (s *seed) followSimulators(ctx context.Context) error {
	for _, system := range s.province.Systems {
		upstream := s.simulated[system.API]
		if upstream == "" {
			continue
		}
		version, err := s.Catalog.VersionBySlug(ctx, platform(), system.Owner, system.API, number)
		if problem.Is(err, problem.NotFound) {
			continue
		} else if err != nil {
			return err
		}
		simulated := strings.HasPrefix(version.UpstreamURL, "http://127.0.0.1:")
		if !simulated || version.UpstreamURL == "http://"+upstream || version.State == catalog.Retired {
			continue
		}
		if _, err := s.Catalog.ApproveUpstream(ctx, platform(), version.AgencyID, upstream); err != nil {
			return err
		}
		if _, err := s.Catalog.SetUpstream(ctx, platform(), version.ID, "http://"+upstream); err != nil {
			return err
		}
	}
	return nil
}

// version finds the service's version, or makes a draft of it.
func (s *seed) version(ctx context.Context, system System, text []byte) (catalog.Version, error) {
	publisher := s.people[auth.RolePublisher]
	version, err := s.Catalog.VersionBySlug(ctx, publisher, system.Owner, system.API, number)
	if !problem.Is(err, problem.NotFound) {
		return version, err
	}
	api, err := s.Catalog.APIBySlug(ctx, publisher, system.Owner, system.API)
	if problem.Is(err, problem.NotFound) {
		h, err := hintsOf(text)
		if err != nil {
			return catalog.Version{}, err
		}
		api, err = s.Catalog.CreateAPI(ctx, publisher, catalog.NewAPI{AgencyID: s.agencies[system.Owner].ID, Slug: system.API, APIText: catalog.APIText{
			TitleVI: h.Info.Title, TitleEN: h.Info.TitleEN, DescriptionVI: h.Info.Description, DescriptionEN: h.Info.DescriptionEN}})
		if err != nil {
			return catalog.Version{}, err
		}
	} else if err != nil {
		return catalog.Version{}, err
	}
	return s.Catalog.CreateVersion(ctx, publisher, api.ID, number, text)
}

// publish marks every operation as the document says and opens the version.
func (s *seed) publish(ctx context.Context, version catalog.Version, text []byte) error {
	publisher := s.people[auth.RolePublisher]
	h, err := hintsOf(text)
	if err != nil {
		return err
	}
	operations, err := s.Catalog.Operations(ctx, publisher, version.ID)
	if err != nil {
		return err
	}
	marks, plan := map[string]catalog.Mark{}, "open"
	for _, o := range operations {
		said := h.Paths[o.Path][strings.ToLower(o.Method)]
		marks[o.Slug] = catalog.Mark{Access: said.Access, Classification: said.Classification, SubjectIn: said.Subject.In, SubjectName: said.Subject.Name}
		if said.Access != catalog.Open {
			plan = "standard-approval"
		}
	}
	if _, err := s.Catalog.MarkOperations(ctx, publisher, version.ID, marks); err != nil {
		return err
	}
	if _, err := s.Catalog.SetPlan(ctx, publisher, version.ID, plan); err != nil {
		return err
	}
	if _, err := s.Catalog.PublishVersion(ctx, publisher, version.ID); err != nil || plan == "open" {
		return err
	}
	_, err = s.Catalog.OpenSandbox(ctx, publisher, version.ID)
	return err
}

func hintsOf(text []byte) (hints, error) {
	var h hints
	if err := yaml.Unmarshal(text, &h); err != nil {
		return h, fmt.Errorf("read document: %w", err)
	}
	return h, nil
}
