//! Roles: what a user may be in a project.

use crate::word::words;

words! {
    /// What a user is in one project. A user may be several; what any of them allows is allowed.
    Role in "role" {
        /// Does everything in its project, and manages its users.
        Admin = "admin",
        /// Makes, changes and deletes vaults and backups.
        Member = "member",
        /// Looks.
        Reader = "reader",
        /// Besides what its other roles allow: adopts disks of hosts, and starts what reaches beyond
        /// one project. Given by whoever runs the installation.
        Operator = "operator",
    }
}
