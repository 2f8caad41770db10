package demo

import (
	"bytes"
	"context"
	"fmt"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
)

// loadDatasets takes each dataset from draft to published, from where it stands.
func (s *seed) loadDatasets(ctx context.Context) error {
	all, err := readDatasets()
	if err != nil {
		return err
	}
	for _, d := range all.Datasets {
		if err := s.loadDataset(ctx, d, all.Columns); err != nil {
			return fmt.Errorf("%s: %w", d.Slug, err)
		}
	}
	return nil
}

func (s *seed) loadDataset(ctx context.Context, d dataset, columns map[string]catalog.Column) error {
	publisher := s.people[auth.RolePublisher]
	found, err := s.Catalog.DatasetBySlug(ctx, publisher, d.Slug)
	if problem.Is(err, problem.NotFound) {
		found, err = s.Catalog.CreateDataset(ctx, publisher, s.agencies[d.Agency].ID, d.DatasetText)
	}
	if err == nil && found.State == catalog.Draft && found.StateReason == "" {
		if err := s.fill(ctx, found, columns); err != nil {
			return err
		}
		found, err = s.Catalog.SubmitDataset(ctx, publisher, found.ID)
	}
	return s.release(ctx, found, err)
}

// usagePublisher is the agency that runs the platform, and publishes how much its
// data are used.
const usagePublisher = "so-khoa-hoc-cong-nghe"

// loadUsage takes the dataset of the use from where it stands to published.
func (s *seed) loadUsage(ctx context.Context) error {
	_, there, err := s.Catalog.UsageDataset(ctx)
	if err == nil && !there {
		_, err = s.Catalog.BeginUsageDataset(ctx, s.people[auth.RoleOperator], s.agencies[usagePublisher].ID)
	}
	if err != nil {
		return err
	}
	publisher := s.people[auth.RolePublisher]
	found, err := s.Catalog.DatasetBySlug(ctx, publisher, catalog.UsageSlug)
	if err == nil && found.State == catalog.Draft && found.StateReason == "" {
		found, err = s.Catalog.SubmitDataset(ctx, publisher, found.ID)
	}
	return s.release(ctx, found, err)
}

// release takes a dataset that was submitted all the way.
func (s *seed) release(ctx context.Context, found catalog.Dataset, err error) error {
	if err == nil && found.State == catalog.Review {
		found, err = s.Catalog.ApproveDataset(ctx, s.people[auth.RoleSteward], found.ID)
	}
	if err == nil && found.State == catalog.Approved {
		_, err = s.Catalog.PublishDataset(ctx, s.people[auth.RolePublisher], found.ID)
	}
	return err
}

// fill gives a draft its table, with every column described.
func (s *seed) fill(ctx context.Context, d catalog.Dataset, titles map[string]catalog.Column) error {
	publisher := s.people[auth.RolePublisher]
	if len(d.Distributions) == 0 {
		text, err := dataFiles.ReadFile("data/" + d.Slug + ".csv")
		if err != nil {
			return err
		}
		part, err := s.Catalog.AddDistribution(ctx, publisher, d.ID, catalog.Upload{
			TitleVI: "Bảng dữ liệu", TitleEN: "Table", FileName: d.Slug + ".csv", Body: bytes.NewReader(text)})
		if err != nil {
			return err
		}
		d.Distributions = []catalog.Distribution{part}
	}
	columns, err := s.Catalog.Columns(ctx, publisher, d.Distributions[0].ID)
	if err != nil {
		return err
	}
	for i, c := range columns {
		columns[i] = titles[c.Name]
		columns[i].Column = c.Column
	}
	return s.Catalog.DescribeColumns(ctx, publisher, d.Distributions[0].ID, columns)
}
