-- The gravest class of personal data that the owner had declared when the revision was published.
ALTER TABLE revision ADD COLUMN personal_data TEXT;
