-- A cold spell: seven days in a row whose average was, or was forecast to be, 0 °C or less at the area's weather station.
CREATE TABLE cold_spells (
  area text NOT NULL,
  first_day date NOT NULL,
  last_day date NOT NULL,
  PRIMARY KEY (area, first_day),
  CHECK (last_day = first_day + 6)
);

-- Invented readings for the example's winter, by postcode area.
INSERT INTO cold_spells (area, first_day, last_day) VALUES
  ('AB', '2026-11-02', '2026-11-08'), ('AB', '2026-11-12', '2026-11-18'),
  ('BD', '2026-11-12', '2026-11-18'),
  ('CA', '2026-11-09', '2026-11-15'),
  ('DG', '2026-11-09', '2026-11-15'),
  ('DL', '2026-11-12', '2026-11-18'),
  ('EH', '2026-11-12', '2026-11-18'),
  ('IV', '2026-11-02', '2026-11-08'), ('IV', '2026-11-12', '2026-11-18'),
  ('LD', '2026-11-09', '2026-11-15'),
  ('NE', '2026-11-12', '2026-11-18'),
  ('PH', '2026-11-02', '2026-11-08'), ('PH', '2026-11-12', '2026-11-18'),
  ('SY', '2026-11-09', '2026-11-15');
