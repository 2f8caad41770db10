package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"lgsp/internal/devdb"
	"lgsp/internal/pg"
	"lgsp/migrations"
)

// database is the migrated database, with the private server behind it when
// none is configured.
type database struct {
	URL     string
	Pool    *pgxpool.Pool
	private *devdb.Server
}

// openDatabase starts the private PostgreSQL when no other is configured,
// migrates, and opens a pool. The caller holds the lock on the data directory.
func openDatabase(ctx context.Context, c config) (*database, error) {
	db := &database{URL: c.DatabaseURL}
	if db.URL == "" {
		server, err := devdb.Start(ctx, devdb.Config{Dir: c.DataDir})
		if err != nil {
			return nil, err
		}
		db.private, db.URL = server, server.URL
	}
	if _, err := migrations.Up(ctx, db.URL); err != nil {
		db.close()
		return nil, err
	}
	pool, err := pg.Open(ctx, db.URL)
	if err != nil {
		db.close()
		return nil, err
	}
	db.Pool = pool
	return db, nil
}

// lazyDatabase is a database of others that may be away: neither reached nor
// migrated yet.
func lazyDatabase(c config) (*database, error) {
	pool, err := pg.Pool(c.DatabaseURL)
	return &database{URL: c.DatabaseURL, Pool: pool}, err
}

// ended is closed when the private server has ended by itself; nil, for ever
// open, when the database is another's.
func (db *database) ended() <-chan struct{} {
	if db.private == nil {
		return nil
	}
	return db.private.Done()
}

func (db *database) close() {
	if db.Pool != nil {
		db.Pool.Close()
	}
	if db.private != nil {
		db.private.Stop()
	}
}

// withDatabase runs work on the migrated database, for commands that are no
// service. A running `lgsp serve` on the same data directory lends its private
// server.
func withDatabase(ctx context.Context, c config, work func(*database) error) error {
	if err := c.makeDataDir(); err != nil {
		return err
	}
	unlock, err := lockDir(c.DataDir)
	if err == nil {
		defer unlock()
		db, err := openDatabase(ctx, c)
		if err != nil {
			return err
		}
		defer db.close()
		return work(db)
	}
	if c.DatabaseURL == "" {
		if c.DatabaseURL, err = devdb.URL(c.DataDir); err != nil {
			return err
		}
	}
	pool, err := pg.Open(ctx, c.DatabaseURL)
	if err != nil {
		return fmt.Errorf("the running lgsp's database: %w", err)
	}
	defer pool.Close()
	return work(&database{URL: c.DatabaseURL, Pool: pool})
}
