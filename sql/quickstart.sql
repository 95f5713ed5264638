-- The statements of the README's quick start, word for word: test/readme
-- compares the two.
\set VERBOSITY terse

SELECT dynamo.create_table('movies', 'year N', 'title S');

CREATE TEMP TABLE lines (movie jsonb);
\copy lines FROM 'test/data/movies.jsonl' WITH (FORMAT csv, QUOTE e'\x01', DELIMITER e'\x02')
SELECT count(dynamo.put_item('movies', movie)) FROM lines;

SELECT movie->>'title' AS title, movie #>> '{info,rating}' AS rating
FROM dynamo.query('movies', '#year = :year AND title BETWEEN :from AND :to',
                  '{":year": 1994, ":from": "S", ":to": "T"}',
                  expression_names => '{"#year": "year"}') AS movie;

SELECT movie->>'title' AS title, movie #>> '{info,rating}' AS rating
FROM dynamo.query('movies', '#year = :year',
                  '{":year": 2010, ":genre": "Sci-Fi", ":rating": 7}',
                  filter => 'contains(info.genres, :genre) AND info.rating >= :rating',
                  expression_names => '{"#year": "year"}') AS movie;

SELECT movie->>'year' AS year, movie->>'title' AS title
FROM dynamo.scan('movies', 'contains(info.genres, :genre) AND info.rating > :rating',
                 '{":genre": "Comedy", ":rating": 8.4}') AS movie
ORDER BY year, title;

SELECT dynamo.update_item('movies', '{"year": 2013, "title": "Rush"}',
                          'SET info.rating = :new', '{":old": 8.3, ":new": 8.4}',
                          condition => 'info.rating = :old') #>> '{info,rating}' AS rating;

SELECT dynamo.update_item('movies', '{"year": 2013, "title": "Rush"}',
                          'SET info.rating = :new', '{":old": 8.3, ":new": 8.4}',
                          condition => 'info.rating = :old') #>> '{info,rating}' AS rating;

CREATE TABLE showings (
    id int PRIMARY KEY,
    year numeric NOT NULL,
    title text NOT NULL,
    seats int NOT NULL CHECK (seats >= 0),
    FOREIGN KEY (year, title) REFERENCES dynamo_tables.movies (pk, sk)
);
INSERT INTO showings VALUES (1, 2013, 'Rush', 120), (2, 2013, 'Gravity', 80);

SELECT s.id, s.title, s.seats, m.item #>> '{info,M,rating,N}' AS rating
FROM showings s JOIN dynamo_tables.movies m ON (m.pk, m.sk) = (s.year, s.title)
ORDER BY s.id;

BEGIN;
UPDATE showings SET seats = seats - 2 WHERE id = 1;
SELECT dynamo.update_item('movies', '{"year": 2013, "title": "Rush"}',
                          'ADD tickets :n', '{":n": 2}')->'tickets' AS tickets;
COMMIT;

SELECT count(*), round(avg((item #>> '{info,M,rating,N}')::numeric), 2) AS average
FROM dynamo_tables.movies WHERE pk BETWEEN 1990 AND 1999;

DROP TABLE showings;
SELECT dynamo.delete_table('{"TableName": "movies"}') #>> '{TableDescription,TableStatus}' AS status;
