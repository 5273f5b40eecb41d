ALTER TABLE revision DROP COLUMN personal_data;
