//! The wire contract, kept by the engine itself.

use std::sync::LazyLock;

use face_liveness_test_support::{Contract, contract_rules};

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract::new(|engine| Box::new(engine)));

contract_rules!(tests CONTRACT);
