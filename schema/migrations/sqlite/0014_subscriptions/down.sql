DROP TABLE subscription_income;
DROP TABLE subscription_licence;
DROP TABLE subscription_term;
DROP TABLE subscription;
DROP TABLE subscription_item;
DROP TABLE subscription_plan;
